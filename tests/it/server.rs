//! The specimen as its clients see it.

use crate::harness::Specimen;
use loopscope::telemetry::What;

#[test]
fn it_greets_and_tells_of_it() {
    let mut specimen = Specimen::naive();
    let mut client = specimen.connect();
    for _ in 0..3 {
        let answer = client.get("/");
        assert_eq!((answer.status, answer.text().as_str()), (200, "Hello, world!\n"));
    }
    let facts = specimen.facts();
    let count = |is_it: fn(&What) -> bool| facts.iter().filter(|what| is_it(what)).count();
    assert_eq!(count(|w| matches!(w, What::Opened { .. })), 1);
    assert_eq!(count(|w| matches!(w, What::Requested { .. })), 3);
    assert_eq!(count(|w| matches!(w, What::Responded { status_nth: (200, _), .. })), 3);
}
