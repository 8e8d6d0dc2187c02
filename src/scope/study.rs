//! What is known of a lesson's step beyond its text: which figures it names, how its task fares, how much help was taken.
//!
//! Plain data, brought up to date by looking at the world; drawing only reads it.

use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::command::Command;
use crate::scenario::attempt::Attempt;
use crate::scenario::schema::{Figure, Scenario, Step, Task, Text, words};
use crate::scenario::{Evidence, Verdict, figures};

/// How long the figures of something that has come true are renewed before they stand.
const SETTLE: Nanos = Nanos::secs(2);

/// What a step asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What does it.
    pub commands: &'a [Command],
    /// For which specimen, where it says so.
    pub specimen: Option<&'a str>,
    /// Whether a question has to be answered before.
    pub after_answer: bool,
}

/// What this step asks one to do; nothing where it asks for nothing.
pub fn asked(step: &Step) -> Option<Asked<'_>> {
    let one = std::slice::from_ref;
    match step {
        Step::Say(_) | Step::Predict { see: None, .. } => None,
        Step::Predict { see: Some(see), .. } => {
            Some(Asked { commands: one(&see.command), specimen: see.specimen.as_deref(), after_answer: true })
        }
        Step::Try { command, specimen, .. } => Some(Asked { commands: one(command), specimen: specimen.as_deref(), after_answer: false }),
        Step::Task(task) => {
            Some(Asked { commands: &task.solution, specimen: Some(&*task.specimen).filter(|name| !name.is_empty()), after_answer: false })
        }
    }
}

/// What is known of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Whether it was turned to.
    pub seen: bool,
    /// How many hints of its task are shown.
    pub hints: usize,
    /// Whether it was done for the person.
    pub helped: bool,
    /// The figures that its texts name, as they were when they were last looked at: by name, in each language.
    pub known: Vec<(String, [String; Lang::ALL.len()])>,
    /// How the parts of its task's goal fare, in each language.
    pub verdicts: [Vec<Verdict>; Lang::ALL.len()],
    /// Since when it has been true.
    pub since: Option<Nanos>,
}

impl Record {
    /// A text of the step in this language, with the figures that it names.
    pub fn told(&self, text: &Text, lang: Lang) -> String {
        let known: Vec<(String, String)> = self.known.iter().map(|(name, shown)| (name.clone(), shown[lang as usize].clone())).collect();
        figures::fill(words(text, lang), &known)
    }

    /// How the parts of the goal fare; empty before anything could be measured.
    pub fn verdicts(&self, lang: Lang) -> &[Verdict] {
        &self.verdicts[lang as usize]
    }

    /// Looks up what the step's texts name.
    pub(super) fn measure(&mut self, step: &Step, scenario: &Scenario, value: impl Fn(&Figure) -> Option<f64>) {
        let specimens: Vec<String> = scenario.specimens.iter().map(|specimen| specimen.name.clone()).collect();
        let named = texts(step).into_iter().flat_map(|text| figures::named(text, &specimens));
        self.known = named
            .map(|(name, figure)| {
                let value = value(&figure);
                (name, [Lang::En, Lang::Zh].map(|lang| figures::shown(&figure, value, lang)))
            })
            .collect();
    }

    /// Whether what has come true may still change: at once, and for a moment after.
    pub(super) fn is_settling(&mut self, now: Nanos) -> bool {
        now.since(*self.since.get_or_insert(now)) <= SETTLE
    }

    /// Looks how the task fares.
    pub(super) fn judge(&mut self, task: &Task, attempt: &Attempt, evidence: Evidence<'_>) {
        if attempt.is_measured(evidence.world) {
            self.verdicts = [Lang::En, Lang::Zh].map(|lang| attempt.judge(task, evidence, lang));
        }
    }
}

/// Every text of a step.
fn texts(step: &Step) -> Vec<&Text> {
    match step {
        Step::Say(text) => vec![text],
        Step::Predict { ask, choices, see, found, because, .. } => {
            choices.iter().chain([ask, because]).chain(found).chain(see.as_ref().map(|see| &see.say)).collect()
        }
        Step::Try { say, .. } => vec![say],
        Step::Task(task) => task.hints.iter().chain([&task.say]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::SpecimenId;
    use crate::scenario::load::from_text;
    use crate::scope::Ui;
    use crate::specimen::control::{FaultSetting, MitigationSetting};
    use crate::telemetry::vocabulary::Mitigation;
    use crate::world::World;
    use crate::world::testing::Story;

    const TEXT: &str = r#"(id: "x", title: { "en": "x" }, specimens: [(name: "naive"), (name: "pool")],
        lesson: [
            Predict(
                ask: { "en": "What?" }, choices: [{ "en": "a" }, { "en": "b" }], answer: 1,
                see: (say: { "en": "Do it." }, do: Inject(Compute(busy: "800ms")), specimen: "naive", until: Stall(specimen: "naive", at_least: "700ms")),
                found: { "en": "it held the loop for {stall:naive}" }, because: { "en": "So." },
            ),
            Task(
                specimen: "pool", say: { "en": "Mend it." }, given: [Revoke(WorkerPool), Inject(Compute(busy: "300ms"))], every: "1s",
                goal: [Measure(of: P99(specimen: "pool"), at_most: 50)], over: "1s",
                hints: [{ "en": "one" }, { "en": "two" }], solution: [Apply(WorkerPool(threads: 2))],
            ),
        ],
        review: [(ask: { "en": "q" }, answer: { "en": "a" }), (ask: { "en": "q" }, answer: { "en": "a" }), (ask: { "en": "q" }, answer: { "en": "a" })],
    )"#;

    fn scenario() -> Scenario {
        from_text(TEXT).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
    }

    fn press(ui: &mut Ui, scenario: &Scenario, world: &World, command: Command) -> Option<Command> {
        ui.carry_out(command, scenario, world, &[])
    }

    #[test]
    fn the_truth_is_told_once_it_has_happened_with_what_was_measured() {
        let (scenario, mut ui) = (scenario(), Ui { screen: crate::scope::Screen::Scope, ..Ui::default().for_lesson(&scenario()) });
        let calm = Story::new(&["naive", "pool"]).calm(Nanos::secs(1));
        let stalled = Story::new(&["naive", "pool"]).calm(Nanos::secs(1)).stall(Nanos::millis(812)).calm(Nanos::secs(1)).world();
        ui.look(&scenario, &calm.world());
        assert!(ui.solve(&scenario).is_empty(), "nothing is done for whoever has not answered");
        press(&mut ui, &scenario, &calm.world(), Command::Answer(0));
        ui.look(&scenario, &calm.world());
        assert!(!ui.is_done(), "it has not happened");
        let compute = Command::Inject(FaultSetting::Compute { busy: Nanos::millis(800) });
        assert_eq!(ui.solve(&scenario), [(SpecimenId(0), compute.clone())]);
        ui.note(&compute, &scenario);
        ui.look(&scenario, &stalled);
        assert!(ui.is_done());
        let Step::Predict { found: Some(found), .. } = &scenario.lesson[0] else { unreachable!() };
        let told = ui.record().unwrap().told(found, Lang::En);
        assert!(told.starts_with("it held the loop for `8") && told.ends_with(" ms`"), "{told}");
        assert!(ui.solve(&scenario).is_empty() && ui.records[0].helped);
    }

    #[test]
    fn a_task_has_hints_one_by_one_and_is_solved_by_the_world() {
        let (scenario, mut ui) = (scenario(), Ui { screen: crate::scope::Screen::Scope, ..Ui::default().for_lesson(&scenario()) });
        let story = |calm| Story::new(&["naive", "pool"]).calm(Nanos::secs(1)).stall(Nanos::millis(812)).calm(Nanos::secs(calm));
        let world = story(0).world();
        press(&mut ui, &scenario, &world, Command::NextStep);
        let orders = ui.look(&scenario, &world);
        let given = [Command::Revoke(Mitigation::WorkerPool), Command::Inject(FaultSetting::Compute { busy: Nanos::millis(300) })];
        assert_eq!(orders, given.map(|command| (SpecimenId(1), command)));
        assert_eq!(ui.chosen, 1, "keys act on what the task is about");
        for hints in [1, 2] {
            assert_eq!(press(&mut ui, &scenario, &world, Command::Hint), None);
            assert_eq!(ui.record().unwrap().hints, hints);
        }
        assert_eq!(press(&mut ui, &scenario, &world, Command::Hint), Some(Command::Hint), "there are no more");
        let apply = Command::Apply(MitigationSetting::WorkerPool { threads: 2 });
        assert_eq!(ui.solve(&scenario), [(SpecimenId(1), apply.clone())]);
        ui.note(&apply, &scenario);
        for calm in 1..6 {
            ui.look(&scenario, &story(calm).world());
        }
        assert!(ui.is_done() && ui.record().unwrap().verdicts(Lang::Zh)[0].passed);
        assert!(ui.look(&scenario, &story(7).world()).is_empty(), "what is solved is left in peace");
    }

    #[test]
    fn the_review_asks_before_it_answers() {
        let (scenario, mut ui, world) = (scenario(), Ui::default().for_lesson(&scenario()), Story::new(&["naive"]).world());
        press(&mut ui, &scenario, &world, Command::Review);
        assert!(ui.is_review(&scenario) && !ui.is_done());
        press(&mut ui, &scenario, &world, Command::NextStep);
        assert_eq!((ui.is_done(), ui.step), (true, 2));
        press(&mut ui, &scenario, &world, Command::NextStep);
        assert_eq!((ui.is_done(), ui.step), (false, 3));
        press(&mut ui, &scenario, &world, Command::Review);
        assert_eq!((ui.is_review(&scenario), ui.step), (false, 0), "back to where it was called from");
    }
}
