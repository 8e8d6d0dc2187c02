//! A scenario's run without a screen: wait until all is ready, play the script, then walk the lesson. It is told the time and told to wait,
//! and so is tested without either.

use std::fmt;

use anyhow::{Context, anyhow, bail};

use crate::base::ids::SpecimenId;
use crate::base::lang::Lang;
use crate::base::units::Nanos;
use crate::command::{Command, table};
use crate::lab::{Lab, Script};
use crate::output::check::Claim;
use crate::scenario::attempt::Attempt;
use crate::scenario::schema::{Expectation, Scenario, See, Step, Task, Text};
use crate::scenario::stretch::Stretch;
use crate::scenario::{Evidence, Verdict, figures};
use crate::world::{Life, World};

/// How long servers and clients may take to be ready: generous, for a machine that does much else.
const READY_WITHIN: Nanos = Nanos::secs(30);
/// How long what a lesson has the reader try may take to lead to what it says.
const TRY_WITHIN: Nanos = Nanos::secs(15);
/// How long the figures of an explanation may take to be measured.
const FIGURES_WITHIN: Nanos = Nanos::secs(3);
/// How long the walk stays with a step that says nothing of what it leads to.
const TRY_FOR: Nanos = Nanos::millis(500);

/// What a headless run needs of a lab.
pub trait Subject {
    /// Takes in what has happened.
    fn pump(&mut self) -> anyhow::Result<()>;
    /// What is known.
    fn world(&self) -> &World;
    /// Since the lab's start.
    fn now(&self) -> Nanos;
    /// Whether every loop runs and its clients are connected.
    fn is_ready(&self) -> bool;
    /// What claims are held against.
    fn evidence(&self) -> Evidence<'_> {
        self.world().into()
    }
    /// Carries a command out.
    fn carry_out(&mut self, target: Option<SpecimenId>, command: &Command) -> anyhow::Result<()>;
}

impl Subject for Lab {
    fn pump(&mut self) -> anyhow::Result<()> {
        self.pump()
    }
    fn world(&self) -> &World {
        self.world()
    }
    fn now(&self) -> Nanos {
        self.now()
    }
    fn is_ready(&self) -> bool {
        self.is_ready()
    }
    fn evidence(&self) -> Evidence<'_> {
        self.evidence()
    }
    fn carry_out(&mut self, target: Option<SpecimenId>, command: &Command) -> anyhow::Result<()> {
        Ok(self.carry_out(target, command)?)
    }
}

/// Who is told how a run fares.
pub trait Watch {
    /// Something happened.
    fn happened(&mut self, happening: &Happening<'_>);
    /// How it looks now: `elapsed` of `end`.
    fn picture(&mut self, now: Nanos, elapsed: Nanos, end: Nanos, world: &World);
}

/// What happens in a run. Times count from when the lab was ready.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening<'a> {
    /// The lab is started.
    Starting,
    /// Every loop runs, every client is connected.
    Ready {
        /// Since the start.
        after: Nanos,
    },
    /// A command was carried out.
    CarriedOut {
        /// When.
        at: Nanos,
        /// What.
        what: String,
        /// On which specimen; on all without.
        specimen: Option<&'a str>,
    },
    /// Claims failed while the machine was busy: the script is played again.
    Again {
        /// The largest share of a second that a loop waited for a CPU.
        cpu_wait: f64,
    },
    /// What the claims need of the selectors is measured.
    Measuring,
    /// The lesson is walked.
    Lesson,
    /// It is over.
    Ended {
        /// When.
        at: Nanos,
    },
}

/// Lets a little time pass; says no when the run shall end early.
pub type Wait<'a> = &'a mut dyn FnMut() -> Result<(), Interrupted>;

/// A signal asked for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted by signal {0}")]
pub struct Interrupted(pub u8);

/// A run that is under way: its lab, its scenario, and who watches.
pub struct Run<'a, S> {
    subject: &'a mut S,
    scenario: &'a Scenario,
    watch: &'a mut dyn Watch,
    wait: Wait<'a>,
    /// When the lab was ready.
    began: Nanos,
    cpu_wait: f64,
}

impl<'a, S: Subject> Run<'a, S> {
    /// Waits until the lab is ready.
    ///
    /// # Errors
    /// It is not ready in time (30 s), it fails, or it is interrupted.
    pub fn begin(subject: &'a mut S, scenario: &'a Scenario, watch: &'a mut dyn Watch, wait: Wait<'a>) -> anyhow::Result<Self> {
        watch.happened(&Happening::Starting);
        let mut run = Self { subject, scenario, watch, wait, began: Nanos::ZERO, cpu_wait: 0.0 };
        let started = run.subject.now();
        while !run.subject.is_ready() {
            run.turn(Nanos::ZERO, scenario.end())?;
            if run.subject.now().since(started) > READY_WITHIN {
                bail!("not ready after {READY_WITHIN}: {}", Laggards(run.subject.world(), scenario.load.connections));
            }
        }
        run.began = run.subject.now();
        run.watch.happened(&Happening::Ready { after: run.began });
        Ok(run)
    }

    /// When the lab was ready, since its start.
    pub fn ready_after(&self) -> Nanos {
        self.began
    }

    /// What is known.
    pub fn world(&self) -> &World {
        self.subject.world()
    }

    /// The largest share of a second, since the lab was ready, in which a loop could have run and waited for a CPU.
    pub fn cpu_wait(&self) -> f64 {
        self.cpu_wait
    }

    fn elapsed(&self) -> Nanos {
        self.subject.now().since(self.began)
    }

    /// One turn of the headless loop.
    fn turn(&mut self, elapsed: Nanos, end: Nanos) -> anyhow::Result<()> {
        self.subject.pump()?;
        // The figure covers the last second: what lies before the run does not count.
        if elapsed >= Nanos::secs(1) {
            let waits = self.subject.world().specimens.iter().filter_map(|specimen| specimen.kernel.run_delay);
            self.cpu_wait = waits.fold(self.cpu_wait, f64::max);
        }
        self.watch.picture(self.subject.now(), elapsed, end, self.subject.world());
        Ok((self.wait)()?)
    }

    /// Plays the script to its end, and says how long that took.
    ///
    /// # Errors
    /// A cue could not be carried out, the lab fails, or it is interrupted.
    pub fn play(&mut self) -> anyhow::Result<Nanos> {
        let mut script = Script::new(self.scenario);
        let end = script.end();
        loop {
            let elapsed = self.elapsed();
            let due: Vec<_> = script.due(elapsed).map(|(at, target, command)| (*at, *target, command.clone())).collect();
            for (at, target, command) in due {
                self.carry_out(target, &command).with_context(|| format!("the script's cue at {at}"))?;
            }
            if script.finished(elapsed) {
                self.subject.pump()?;
                self.watch.happened(&Happening::Ended { at: elapsed });
                return Ok(elapsed);
            }
            self.turn(elapsed, end)?;
        }
    }

    /// Does what the lesson has the reader try, step by step, and says whether it led to what the step says; solves its tasks.
    ///
    /// What is for the scope alone (the next lesson, freezing) is left out. A step for the chosen specimen is done on the first.
    ///
    /// # Errors
    /// A step could not be carried out, the lab fails, or it is interrupted.
    pub fn walk(&mut self, lang: Lang) -> anyhow::Result<Vec<Claim>> {
        self.watch.happened(&Happening::Lesson);
        let mut claims = Vec::new();
        for (n, step) in self.scenario.lesson.iter().enumerate() {
            let place = || format!("step {} of the lesson", n + 1);
            match step {
                Step::Try { command, specimen, until, .. } => {
                    claims.extend(self.attempt(command, specimen.as_deref(), until.as_ref(), lang).with_context(place)?);
                }
                Step::Predict { see: Some(See { command, specimen, until, .. }), found, .. } => {
                    let mut stretch = Stretch::since_now();
                    stretch.look(self.subject.world());
                    claims.extend(self.attempt(command, specimen.as_deref(), until.as_ref(), lang).with_context(place)?);
                    if let Some(found) = found {
                        claims.extend(self.await_figures(&mut stretch, found, lang)?);
                    }
                }
                Step::Task(task) => claims.extend(self.solve(task, lang).with_context(place)?),
                Step::Predict { .. } | Step::Say(_) => {}
            }
        }
        self.watch.happened(&Happening::Ended { at: self.elapsed() });
        Ok(claims)
    }

    /// Does one thing that the reader does, and says whether it led to what it should.
    fn attempt(
        &mut self,
        command: &Command,
        specimen: Option<&str>,
        until: Option<&Expectation>,
        lang: Lang,
    ) -> anyhow::Result<Option<Claim>> {
        if !command.in_script() {
            return Ok(None);
        }
        let before = until.is_some_and(|until| until.judge(self.subject.evidence(), lang).passed);
        let target = specimen.map_or(Some(SpecimenId(0)), |name| self.scenario.specimen(name));
        self.carry_out(target, command)?;
        let claim = self.await_claim(until, lang)?;
        Ok(claim.map(|claim| if before { already(claim, lang) } else { claim }))
    }

    /// Waits until what a text names has been measured; a figure that never is would leave a hole in the text.
    fn await_figures(&mut self, stretch: &mut Stretch, text: &Text, lang: Lang) -> anyhow::Result<Option<Claim>> {
        let specimens: Vec<String> = self.scenario.specimens.iter().map(|specimen| specimen.name.clone()).collect();
        let named = figures::named(text, &specimens);
        let from = self.elapsed();
        loop {
            stretch.look(self.subject.world());
            let evidence = self.subject.evidence();
            let Some((name, _)) = named.iter().find(|(_, figure)| stretch.value(figure, evidence).is_none()) else { return Ok(None) };
            let elapsed = self.elapsed();
            if elapsed.since(from) >= FIGURES_WITHIN {
                let verdict = |lang| Verdict {
                    claim: pick(lang, format!("{{{name}}} can be told"), format!("{{{name}}} 有实测值")),
                    measured: pick(lang, "not measured".into(), "没有测到".into()),
                    value: None,
                    passed: false,
                };
                return Ok(Some(Claim::new(verdict(Lang::En), verdict(lang))));
            }
            self.turn(elapsed, elapsed)?;
        }
    }

    /// Solves a task with its own solution. The goal must not be reached before, and must be after.
    fn solve(&mut self, task: &Task, lang: Lang) -> anyhow::Result<Vec<Claim>> {
        let target = self.scenario.specimen(&task.specimen);
        let mut attempt = Attempt::new(task);
        let (mut claims, mut solving, from) = (Vec::new(), None, self.elapsed());
        loop {
            for order in attempt.look(task, self.subject.evidence()) {
                self.carry_out(target, &order).context("what its task begins with")?;
            }
            let elapsed = self.elapsed();
            let evidence = self.subject.evidence();
            if attempt.is_measured(evidence.world) {
                let solved = attempt.is_solved(task, evidence, false);
                let verdicts = |lang| attempt.judge(task, evidence, lang);
                let about = |solved: bool, lang| -> Vec<Verdict> {
                    verdicts(lang).into_iter().map(|verdict| of_task(verdict, task, solved, lang)).collect()
                };
                let told = |solved: bool| -> Vec<Claim> {
                    about(solved, Lang::En).into_iter().zip(about(solved, lang)).map(|(en, shown)| Claim::new(en, shown)).collect()
                };
                match solving {
                    // It may take a moment until what is given has told.
                    None if !attempt.was_broken() && elapsed.since(from) >= TRY_WITHIN => {
                        return Ok(told(false).into_iter().map(|claim| Claim { passed: false, ..claim }).collect());
                    }
                    None if !attempt.was_broken() => {}
                    None => {
                        // One part that does not hold is what makes it a task.
                        claims.extend(told(false).into_iter().filter(|claim| !claim.passed).map(|claim| Claim { passed: true, ..claim }));
                        solving = Some(elapsed);
                        for command in &task.solution {
                            self.carry_out(target, command).context("its task's solution")?;
                        }
                    }
                    Some(since) if solved || elapsed.since(since) >= TRY_WITHIN => {
                        claims.extend(told(true));
                        return Ok(claims);
                    }
                    Some(_) => {}
                }
            }
            self.turn(elapsed, elapsed)?;
        }
    }

    /// Waits until the claim holds, or for as long as that may take.
    fn await_claim(&mut self, until: Option<&Expectation>, lang: Lang) -> anyhow::Result<Option<Claim>> {
        let from = self.elapsed();
        loop {
            let elapsed = self.elapsed();
            let waited = elapsed.since(from);
            match until {
                None if waited >= TRY_FOR => return Ok(None),
                Some(until) => {
                    let evidence = self.subject.evidence();
                    let verdict = until.judge(evidence, Lang::En);
                    if verdict.passed || waited >= TRY_WITHIN {
                        return Ok(Some(Claim::new(verdict, until.judge(evidence, lang))));
                    }
                }
                None => {}
            }
            self.turn(elapsed, elapsed)?;
        }
    }

    fn carry_out(&mut self, target: Option<SpecimenId>, command: &Command) -> anyhow::Result<()> {
        let specimen = target.and_then(|id| self.scenario.specimens.get(usize::from(id.0))).map(|specimen| specimen.name.as_str());
        let what = written(command);
        self.subject.carry_out(target, command).map_err(|error| match specimen {
            Some(name) => anyhow!("{what} on {name}: {error:#}"),
            None => anyhow!("{what}: {error:#}"),
        })?;
        self.watch.happened(&Happening::CarriedOut { at: self.elapsed(), what, specimen });
        Ok(())
    }
}

/// A verdict of a part of a task's goal, with when it was given.
fn of_task(verdict: Verdict, task: &Task, solved: bool, lang: Lang) -> Verdict {
    let over = task.over;
    let claim = if solved {
        pick(lang, format!("task, solved: {} over {over}", verdict.claim), format!("任务,解决之后:{}({over} 内)", verdict.claim))
    } else {
        let before = format!("task, before: not yet {} over {over}", verdict.claim);
        pick(lang, before, format!("任务,解决之前:还不满足 {}({over} 内)", verdict.claim))
    };
    Verdict { claim, ..verdict }
}

fn pick(lang: Lang, en: String, zh: String) -> String {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// A claim that held before anything was done proves nothing, and a reader who has done nothing would be told that it is done.
fn already(mut claim: Claim, lang: Lang) -> Claim {
    claim.passed = false;
    claim.measured += " (so already before it was tried)";
    claim.shown.1 += match lang {
        Lang::En => " (so already before it was tried)",
        Lang::Zh => "(尝试之前就已如此)",
    };
    claim
}

/// A command as a scenario's file has it.
fn written(command: &Command) -> String {
    ron::to_string(command).unwrap_or_else(|_| table::of(command).map_or("a command", |row| row.id).to_owned())
}

/// Who keeps a lab from being ready, and why.
struct Laggards<'a>(&'a World, u32);

impl fmt::Display for Laggards<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for specimen in &self.0.specimens {
            let connected = specimen.clients.connected;
            let why = match specimen.life {
                Life::Dead { .. } => {
                    let words = specimen.deaths.last().map_or("", |death| death.last_words.lines().next_back().unwrap_or(""));
                    format!("its process is dead{}{words}", if words.is_empty() { "" } else { ": " })
                }
                Life::Starting => "its process has not started".into(),
                Life::Running { .. } if specimen.reactor.ticks == 0 => "its loop has not made a tick".into(),
                Life::Running { .. } if connected < self.1 => format!("{connected} of {} clients are connected", self.1),
                Life::Running { .. } => continue,
            };
            write!(f, "{}{}: {why}", if first { "" } else { "; " }, specimen.name)?;
            first = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::from_text;
    use crate::world::testing::Story;

    /// A lab that is none: time passes by 100 ms a look, and a command on `naive` kills it.
    struct Fake {
        now: Nanos,
        ready_at: Nanos,
        worlds: [World; 2],
        done: Vec<(Option<SpecimenId>, Command)>,
        refuses: bool,
    }

    impl Fake {
        fn new(ready_at: Nanos) -> Self {
            let alive = Story::new(&["naive"]).calm(Nanos::millis(200));
            let dead = Story::new(&["naive"]).calm(Nanos::millis(200)).panic().calm(Nanos::millis(200));
            Self { now: Nanos::ZERO, ready_at, worlds: [alive.world(), dead.world()], done: Vec::new(), refuses: false }
        }
    }

    impl Subject for Fake {
        fn pump(&mut self) -> anyhow::Result<()> {
            self.now += Nanos::millis(100);
            Ok(())
        }
        fn world(&self) -> &World {
            &self.worlds[usize::from(self.done.iter().any(|(_, command)| matches!(command, Command::Inject(_))))]
        }
        fn now(&self) -> Nanos {
            self.now
        }
        fn is_ready(&self) -> bool {
            self.now >= self.ready_at
        }
        fn carry_out(&mut self, target: Option<SpecimenId>, command: &Command) -> anyhow::Result<()> {
            if self.refuses {
                bail!("no");
            }
            self.done.push((target, command.clone()));
            Ok(())
        }
    }

    #[derive(Default)]
    struct Notes(Vec<String>);

    impl Watch for Notes {
        fn happened(&mut self, happening: &Happening<'_>) {
            self.0.push(format!("{happening:?}"));
        }
        fn picture(&mut self, _: Nanos, elapsed: Nanos, end: Nanos, _: &World) {
            assert!(elapsed <= end, "{elapsed} of {end}");
        }
    }

    fn scenario(script: &str, lesson: &str) -> Scenario {
        from_text(&format!(
            "(id: \"x\", title: {{ \"en\": \"x\" }}, specimens: [(name: \"naive\")], script: [{script}], lesson: [{lesson}])"
        ))
        .unwrap()
    }

    #[test]
    fn the_script_is_played_from_when_the_lab_is_ready() {
        let scenario = scenario("(at: \"2s\", specimen: \"naive\", do: Kill), (at: \"1s\", do: LoadUp), (at: \"3s\", do: Stop)", "");
        let (mut fake, mut notes) = (Fake::new(Nanos::secs(1)), Notes::default());
        let mut wait = || Ok(());
        let mut run = Run::begin(&mut fake, &scenario, &mut notes, &mut wait).unwrap();
        assert_eq!((run.ready_after(), run.play().unwrap()), (Nanos::secs(1), Nanos::secs(3)));
        assert_eq!(fake.done, [(None, Command::LoadUp), (Some(SpecimenId(0)), Command::Kill)]);
        assert_eq!(notes.0.len(), 5, "{:?}", notes.0);
    }

    #[test]
    fn a_lab_that_is_never_ready_says_who_is_to_blame() {
        let (mut fake, mut notes) = (Fake::new(Nanos::MAX), Notes::default());
        let scenario = scenario("", "");
        let error = Run::begin(&mut fake, &scenario, &mut notes, &mut || Ok(())).err().unwrap().to_string();
        assert!(error.starts_with("not ready after 30.0 s"), "{error}");
        let dead = Laggards(&fake.worlds[1], 64).to_string();
        assert!(dead.starts_with("naive: its process is dead"), "{dead}");
        assert_eq!(Laggards(&fake.worlds[0], 65).to_string(), "naive: 64 of 65 clients are connected");
    }

    #[test]
    fn a_cue_that_is_refused_ends_the_run_and_names_itself() {
        let mut fake = Fake { refuses: true, ..Fake::new(Nanos::ZERO) };
        let (scenario, mut notes) = (scenario("(at: \"1s\", specimen: \"naive\", do: Inject(Panic))", ""), Notes::default());
        let error = Run::begin(&mut fake, &scenario, &mut notes, &mut || Ok(())).unwrap().play().unwrap_err();
        assert_eq!(format!("{error:#}"), "the script's cue at 1.00 s: Inject(Panic) on naive: no");
    }

    #[test]
    fn an_interruption_ends_the_run() {
        let (mut fake, scenario, mut notes) = (Fake::new(Nanos::ZERO), scenario("", ""), Notes::default());
        let mut turns = 0;
        let mut wait = || {
            turns += 1;
            if turns > 3 { Err(Interrupted(15)) } else { Ok(()) }
        };
        let error = Run::begin(&mut fake, &scenario, &mut notes, &mut wait).unwrap().play().unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Interrupted(15)));
    }

    #[test]
    fn what_the_lesson_has_one_try_must_lead_to_what_it_says_and_only_then() {
        let step = |command: &str, until: &str| format!("Try(say: {{ \"en\": \"x\" }}, do: {command}, until: {until}),");
        let lesson = [
            step("LoadUp", "Alive(specimen: \"naive\")"),
            step("Freeze", "Dead(specimen: \"naive\")"),
            step("Inject(Panic)", "Dead(specimen: \"naive\")"),
            step("Respawn", "Alive(specimen: \"naive\")"),
        ]
        .concat();
        let (mut fake, scenario, mut notes) = (Fake::new(Nanos::ZERO), scenario("", &lesson), Notes::default());
        let claims = Run::begin(&mut fake, &scenario, &mut notes, &mut || Ok(())).unwrap().walk(Lang::En).unwrap();
        let verdicts: Vec<(bool, &str)> = claims.iter().map(|claim| (claim.passed, claim.claim.as_str())).collect();
        let (alive, dead) = ("naive: alive", "naive: dead");
        assert_eq!(verdicts, [(false, alive), (true, dead), (false, alive)], "the first was so before, the last never came");
        assert!(claims[0].measured.ends_with("(so already before it was tried)"));
        assert_eq!(fake.done.len(), 3, "freezing is for the scope");
        assert!(fake.now >= TRY_WITHIN);
    }
}
