//! Labs with their real children, pumped as the program pumps them.

use std::time::Duration;

use loopscope::base::units::Nanos;
use loopscope::lab::child::ProgramPath;
use loopscope::lab::{Lab, Options};
use loopscope::scenario::Scenario;
use loopscope::world::{Life, Specimen};

/// Longer than anything here takes on the busiest machine.
const PATIENCE: Nanos = Nanos::secs(30);

/// Any free port, and the binary that is tested.
pub fn options() -> Options {
    Options { port: Some(0), program: ProgramPath(env!("CARGO_BIN_EXE_loopscope").into()), ..Options::default() }
}

/// A lab whose servers run and whose clients are connected.
pub fn ready(scenario: &Scenario) -> Lab {
    let mut lab = Lab::start(scenario, &options()).expect("the lab starts");
    until(&mut lab, "everything is up", Lab::is_ready);
    lab
}

/// Pumps until it is so.
pub fn until(lab: &mut Lab, what: &str, is_so: impl Fn(&Lab) -> bool) {
    let began = lab.now();
    while !is_so(lab) {
        lab.pump().expect("the lab runs");
        let seen = |s: &Specimen| format!("{:?} {:?} {:?}", s.life, s.stall(), s.clients.outcomes);
        let all = || lab.world().specimens.iter().map(seen).collect::<Vec<_>>();
        assert!(lab.now().since(began) < PATIENCE, "never: {what}: {:#?}", all());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Pumps for so long.
pub fn pump_for(lab: &mut Lab, time: Nanos) {
    let end = lab.now() + time;
    until(lab, "time passes", |lab| lab.now() >= end);
}

/// The processes of a specimen that run: its own first, then its workers.
pub fn pids(specimen: &Specimen) -> Vec<u32> {
    let pid = |process: &Specimen| if let Life::Running { pid, .. } = process.life { Some(pid) } else { None };
    specimen.all_processes().filter_map(pid).collect()
}
