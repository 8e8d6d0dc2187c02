//! A promise that is rejected, and nobody has said what then. It teaches that an error in a promise goes nowhere by itself: no stack
//! unwinds, no process dies, no log line is written. The request just never ends.

use super::Row;
use crate::base::units::Nanos;
use crate::specimen::control::FaultSetting;
use crate::specimen::handle::{Answer, Handle};
use crate::specimen::hooks::{Errand, Hook, Needs, Point};
use crate::specimen::promise::Promise;
use crate::telemetry::vocabulary::{Fault, Mitigation};

/// How long it takes until it is known that there is no such user.
const LOOKUP: Nanos = Nanos::millis(5);

pub(super) const ROW: Row = Row {
    kind: Fault::RejectedPromise,
    about: "The next request waits on a promise that is rejected, and nobody handles it.",
    see: "Nothing happens: no error, no log, no stall. One client waits until its patience ends.",
    at: Point::Request,
    standing: false,
    default: FaultSetting::RejectedPromise,
    parameters: &[],
    answers: &[Mitigation::CatchAtEnd, Mitigation::RejectionHook],
    from_request: |_| Ok(FaultSetting::RejectedPromise),
    hook: |_| Box::new(RejectedPromise),
};

struct RejectedPromise;

impl Hook for RejectedPromise {
    fn request(&mut self) -> Needs {
        Needs::Errand(Errand::Lookup)
    }
}

/// Looks a user up, and lets the request go on when there is one. There is none.
pub(in crate::specimen) fn greet(handle: &Handle, answer: &Answer, catches: bool) {
    let (good, bad) = (answer.clone(), answer.clone());
    let greeted = look_up(handle).then(move |_| good.go_on());
    if catches {
        greeted.catch(move |why| bad.fail(&why));
    }
}

fn look_up(handle: &Handle) -> Promise<u32, &'static str> {
    let (user, resolver) = Promise::new(handle.jobs());
    handle.after(LOOKUP, move || resolver.reject("There is no such user"));
    user
}
