//! What is told of recorded worlds: the same facts as on the screen, each once, however long they last and however many they are.

use super::*;
use crate::telemetry::event::{Event, Lane, Origin, What};
use crate::telemetry::vocabulary::Mitigation;
use crate::world::World;
use crate::world::testing::Story;

/// How often the narrator looks.
const LOOK: Nanos = Nanos::millis(50);

/// A scenario whose only specimen has this name, with a lesson of one question.
fn scenario(name: &str) -> Scenario {
    let text = format!(
        r#"(id: "x", title: {{ "en": "x" }}, specimens: [(name: "{name}")], lesson: [
            Predict(ask: {{ "en": "What now?" }}, choices: [{{ "en": "this" }}, {{ "en": "that" }}], answer: 1, because: {{ "en": "So it is." }}),
            Say({{ "en": "The end." }}),
        ])"#
    );
    crate::scenario::load::from_text(&text).unwrap()
}

/// Someone who looks at a story as it goes on.
struct Listener {
    events: Vec<Event>,
    next: usize,
    world: World,
    narrator: Narrator,
    eye: Eye,
    ui: Ui,
    scenario: Scenario,
    lang: Lang,
}

impl Listener {
    fn of(story: &Story, events: Vec<Event>, lang: Lang) -> Self {
        let scenario = scenario(&story.setup().specimens[0]);
        let world = World::new(&story.setup());
        let ui = beginning(&scenario);
        Self { events, next: 0, world, narrator: Narrator::default(), eye: Eye::default(), ui, scenario, lang }
    }

    /// Everything that is said until a moment.
    fn until(&mut self, end: Nanos) -> Vec<String> {
        let mut lines = Vec::new();
        while self.world.now < end {
            let now = self.world.now + LOOK;
            while let Some(event) = self.events.get(self.next).filter(|event| event.at <= now) {
                self.world.apply(event);
                self.next += 1;
            }
            self.world.advance(now);
            lines.extend(self.look());
        }
        lines
    }

    fn look(&mut self) -> Vec<String> {
        self.ui.look(&self.scenario, &self.world);
        self.eye.look(&self.world);
        let (theme, keys, trace, answers) = (Theme::dark(Tier::Mono), Keymap::default(), Trace::default(), Answers::default());
        let look = Look { theme: &theme, lang: self.lang, keys: &keys };
        let Self { world, scenario, ui, eye, narrator, .. } = self;
        let (world, scenario, ui, eye) = (&*world, &*scenario, &*ui, &*eye);
        let addresses = [Some("127.0.0.1:7070".parse().unwrap())];
        let (trace, answers, addresses, lessons) = (&trace, &answers, &addresses, &[]);
        let scene =
            Scene { world, around: world, scenario, lessons, ui, eye, trace, answers, cost: None, look, selectors: None, addresses };
        narrator.look(&scene)
    }
}

fn told(story: &Story, lang: Lang) -> Vec<String> {
    Listener::of(story, story.events(), lang).until(story.end())
}

fn count(lines: &[String], words: &str) -> usize {
    lines.iter().filter(|line| line.contains(words)).count()
}

#[test]
fn a_stall_is_told_when_it_begins_while_it_lasts_and_when_it_is_over() {
    let story = Story::new(&["naive"]).calm(Nanos::secs(1)).stall(Nanos::millis(3500)).calm(Nanos::secs(1));
    let lines = told(&story, Lang::En);
    assert_eq!(count(&lines, "naive runs as process 4200: http://127.0.0.1:7070/"), 1, "{lines:#?}");
    // At once, when it is known what it does, after one second and after three.
    assert!((3..=4).contains(&count(&lines, "STALL")), "{lines:#?}");
    assert_eq!(count(&lines, "held the loop for 3.50 s"), 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("computing") && line.contains("answered by: worker-pool, slicing")), "{lines:#?}");
    let chinese = told(&story, Lang::Zh);
    assert_eq!(chinese.len(), lines.len(), "the same facts: {chinese:#?}");
    assert!(chinese.iter().any(|line| line.contains("对策：worker-pool, slicing")), "{chinese:#?}");
    for line in lines.iter().chain(&chinese) {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn a_death_is_told_with_its_last_words_and_a_leak_when_it_begins_and_ends() {
    let lines = told(&Story::new(&["naive"]).calm(Nanos::secs(1)).panic().calm(Nanos::secs(2)), Lang::En);
    assert_eq!(count(&lines, "The process is dead"), 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("answered by: respawn, catch-panic")), "{lines:#?}");
    let story = Story::new(&["naive"]).calm(Nanos::secs(3)).greed(Nanos::secs(5)).calm(Nanos::secs(7));
    let lines = told(&story, Lang::En);
    let unfair = |line: &&String| line.contains("takes") && line.contains("of the loop's time");
    let said: Vec<_> = lines.iter().filter(unfair).collect();
    assert!(said.len() >= 2 && !said[0].contains("over after") && said[said.len() - 1].contains("over after"), "{lines:#?}");
}

#[test]
fn what_a_mitigation_changes_is_told_once_with_its_numbers() {
    let story = Story::new(&["naive"]).calm(Nanos::secs(3)).greed(Nanos::secs(5)).calm(Nanos::secs(7));
    let mut events = story.events();
    let from = Origin { specimen: SpecimenId(0), lane: Lane::Loop };
    let at = story.end() - Nanos::secs(7);
    events.push(Event { at, from, what: What::Mitigated { mitigation: Mitigation::ReadBudget, on: 1 } });
    events.sort_by_key(|event| event.at);
    let lines = Listener::of(&story, events, Lang::En).until(story.end());
    assert_eq!(count(&lines, "mitigation on: read budget"), 1, "{lines:#?}");
    assert_eq!(count(&lines, "naive: read budget, before -> after: p99"), 1, "{lines:#?}");
}

#[test]
fn what_lasts_and_what_comes_again_and_again_has_few_lines() {
    let hang = Story::new(&["naive"]).calm(Nanos::secs(1)).hang(Nanos::secs(90));
    let lines = told(&hang, Lang::En);
    // Told after one second, two more, four more: at most once a minute in the end.
    assert!((6..=9).contains(&count(&lines, "STALL ")), "{lines:#?}");
    assert_eq!(count(&lines, "STALLED"), 9, "a summary every ten seconds: {lines:#?}");
    let mut many = Story::new(&["naive"]).calm(Nanos::secs(1));
    for _ in 0..60 {
        many = many.stall(Nanos::millis(60)).calm(Nanos::millis(100));
    }
    let lines = told(&many, Lang::En);
    assert!((1..=12).contains(&count(&lines, "held the loop")), "six in ten seconds, of sixty: {lines:#?}");
}

#[test]
fn a_lesson_s_step_is_told_and_then_only_what_is_new_of_it() {
    let story = Story::new(&["naive"]).calm(Nanos::secs(3));
    let mut listener = Listener::of(&story, story.events(), Lang::En);
    let lines = listener.until(Nanos::millis(100));
    let step: Vec<_> = lines.iter().skip_while(|line| !line.starts_with("lesson")).take(4).cloned().collect();
    assert_eq!(step, ["lesson · step 1 of 2", "What now?", "answer 1: this", "answer 2: that"], "{lines:#?}");
    let command = crate::command::spoken::command("answer 2").unwrap();
    assert_eq!(listener.ui.carry_out(command, &listener.scenario, &listener.world, &[]), None);
    let lines = listener.until(Nanos::secs(2));
    assert!(!lines.contains(&step[1]) && lines.contains(&"Right.".to_owned()) && lines.contains(&"So it is.".to_owned()), "{lines:#?}");
    listener.narrator.repeat();
    assert!(listener.look().contains(&step[1]), "asked for once more");
}
