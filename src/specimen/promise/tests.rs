//! Order and exactly-once, against a model: whatever is attached and settled in whatever order, reactions run once each, never inside of
//! what caused them, and in the order in which they were queued.

use proptest::prelude::*;

use super::*;

const NOBODY: Token = Token(3);

fn jobs() -> Rc<Jobs> {
    Rc::new(Jobs::new(NOBODY))
}

/// Runs jobs until none is left, as many ticks would. How many ran.
fn drain(jobs: &Jobs) -> usize {
    std::iter::from_fn(|| jobs.take()).map(|(_, job)| job()).count()
}

type Log = Rc<RefCell<Vec<String>>>;

fn note(log: &Log, text: impl Into<String>) {
    log.borrow_mut().push(text.into());
}

#[test]
fn a_chain_passes_values_and_errors_to_whom_they_are_for() {
    let (jobs, log) = (jobs(), Log::default());
    let (promise, resolver) = Promise::<u32, &str>::new(&jobs);
    let [a, b, c, d] = [(); 4].map(|()| Rc::clone(&log));
    promise
        .then(move |n| {
            note(&a, format!("then {n}"));
            Ok(n + 1)
        })
        .then(|n| if n == 8 { Err("eight") } else { Ok(n) })
        .then(move |n| note(&b, format!("never {n}")))
        .finally(move || note(&c, "finally"))
        .catch(move |why| note(&d, format!("caught {why}")));
    assert!(jobs.is_empty() && log.borrow().is_empty());
    resolver.fulfil(7);
    assert!(log.borrow().is_empty(), "no reaction runs inside of settling");
    assert_eq!(drain(&jobs), 5);
    assert_eq!(*log.borrow(), ["then 7", "finally", "caught eight"]);
    assert!(jobs.take_unhandled().is_empty());
}

#[test]
fn a_reaction_that_returns_a_promise_waits_for_it() {
    let (jobs, log) = (jobs(), Log::default());
    let (inner, later) = Promise::<u32, &str>::new(&jobs);
    let seen = Rc::clone(&log);
    Promise::settled(&jobs, Ok(1)).then(move |_: u32| inner).then(move |n| note(&seen, n.to_string()));
    drain(&jobs);
    assert!(log.borrow().is_empty());
    later.fulfil(42);
    drain(&jobs);
    assert_eq!(*log.borrow(), ["42"]);
}

#[test]
fn a_long_chain_of_adoptions_needs_no_stack() {
    let jobs = jobs();
    let (first, resolver) = Promise::<u32, &str>::new(&jobs);
    let mut last = first;
    for _ in 0..100_000 {
        let (next, adopter) = Promise::new(&jobs);
        last.settle(adopter);
        last = next;
    }
    resolver.fulfil(9);
    assert_eq!(format!("{last:?}"), "Promise(fulfilled)");
}

#[test]
fn a_rejection_is_unhandled_when_its_promise_dies_and_not_before() {
    let jobs = jobs();
    jobs.enter(Token(77));
    let (promise, resolver) = Promise::<u32, &str>::new(&jobs);
    resolver.reject("lost");
    let kept = promise.clone();
    drop(promise);
    assert!(jobs.take_unhandled().is_empty(), "somebody may still handle it");
    drop(kept);
    assert_eq!(jobs.take_unhandled(), [Unhandled { owner: Token(77), reason: "lost".into() }]);
}

#[test]
fn a_chain_without_a_catch_reports_one_rejection_and_with_one_none() {
    for (catches, expected) in [(false, 1), (true, 0)] {
        let jobs = jobs();
        let (promise, resolver) = Promise::<u32, &str>::new(&jobs);
        let end = promise.then(|n| Ok(n + 1)).then(|n| Ok(n + 1)).then(|_| ());
        if catches {
            end.catch(|_| ());
        }
        drop((promise, end));
        resolver.reject("lost");
        drain(&jobs);
        assert_eq!(jobs.take_unhandled().len(), expected, "catches: {catches}");
    }
}

#[test]
fn one_that_is_pending_or_fulfilled_dies_in_peace() {
    let jobs = jobs();
    drop(Promise::<u32, &str>::new(&jobs));
    drop(Promise::<u32, &str>::settled(&jobs, Ok(1)));
    let (promise, resolver) = Promise::<u32, &str>::new(&jobs);
    let (back, weak) = (promise.clone(), Rc::downgrade(&promise.0));
    back.settle(resolver);
    drop(promise);
    assert!(weak.upgrade().is_none(), "one that would wait for itself is free");
    assert!(jobs.take_unhandled().is_empty());
}

#[test]
fn all_keeps_the_order_of_its_promises_and_fails_with_the_first() {
    let jobs = jobs();
    let pairs: Vec<_> = (0..3).map(|_| Promise::<u32, &str>::new(&jobs)).collect();
    let promises: Vec<_> = pairs.iter().map(|(p, _)| p.clone()).collect();
    let (whole, seen) = (all(&jobs, &promises), Rc::new(RefCell::new(None)));
    let ours = Rc::clone(&seen);
    whole.then(move |values| *ours.borrow_mut() = Some(values));
    for (n, (_, resolver)) in pairs.into_iter().enumerate().rev() {
        assert!(seen.borrow().is_none());
        resolver.fulfil(n as u32);
        drain(&jobs);
    }
    assert_eq!(*seen.borrow(), Some(vec![0, 1, 2]));

    let one = Promise::settled(&jobs, Err("first"));
    let other = Promise::settled(&jobs, Err("second"));
    let (never, _resolver) = Promise::<u32, &str>::new(&jobs);
    let failed = all(&jobs, &[never, one, other]);
    drain(&jobs);
    assert_eq!(format!("{failed:?}"), "Promise(rejected)");
    drop(failed);
    assert_eq!(jobs.take_unhandled().iter().map(|u| &u.reason[..]).collect::<Vec<_>>(), ["first"]);
    assert_eq!(format!("{:?}", all::<u32, &str>(&jobs, &[])), "Promise(fulfilled)");
}

#[test]
fn race_is_settled_as_the_first_is() {
    let jobs = jobs();
    let (slow, resolver) = Promise::<u32, &str>::new(&jobs);
    let won = race(&jobs, &[slow, Promise::settled(&jobs, Ok(2)), Promise::settled(&jobs, Err("late"))]);
    drain(&jobs);
    assert_eq!(format!("{won:?}"), "Promise(fulfilled)");
    resolver.reject("much later");
    drain(&jobs);
    assert_eq!(format!("{won:?}"), "Promise(fulfilled)");
    assert!(jobs.take_unhandled().is_empty(), "the losers are handled");
    assert_eq!(format!("{:?}", race::<u32, &str>(&jobs, &[])), "Promise(pending)");
}

/// What can be done with some promises.
#[derive(Clone, Debug)]
enum Op {
    Then(usize),
    Catch(usize),
    Finally(usize),
    Settle(usize, bool),
    RunOne,
    Forget(usize),
}

fn op(promises: usize) -> impl Strategy<Value = Op> {
    prop_oneof![
        (0..promises).prop_map(Op::Then),
        (0..promises).prop_map(Op::Catch),
        (0..promises).prop_map(Op::Finally),
        (0..promises, any::<bool>()).prop_map(|(p, good)| Op::Settle(p, good)),
        Just(Op::RunOne),
        (0..promises).prop_map(Op::Forget),
    ]
}

/// A promise as the model sees it.
#[derive(Clone, Default)]
struct Model {
    state: Option<bool>,
    reactions: Vec<usize>,
    handled: bool,
    forgotten: bool,
}

proptest! {
    /// Reactions run once each, in the order in which their promises were settled and they were attached, and never at once;
    /// rejections are reported exactly where nobody has attached anything.
    #[test]
    fn reactions_run_once_each_and_in_order(ops in prop::collection::vec(op(4), 0..60)) {
        const PROMISES: usize = 4;
        let jobs = jobs();
        let mut promises = Vec::new();
        let mut resolvers = Vec::new();
        for _ in 0..PROMISES {
            let (promise, resolver) = Promise::<usize, String>::new(&jobs);
            promises.push(Some(promise));
            resolvers.push(Some(resolver));
        }
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut derived = Vec::new();
        // What the model expects: the queue of reactions, and those that have run.
        let mut model = vec![Model::default(); PROMISES];
        let (mut queue, mut expected, mut next) = (std::collections::VecDeque::new(), Vec::new(), 0);
        let mut kinds: Vec<(usize, u8)> = Vec::new();
        let mut run_one = |queue: &mut std::collections::VecDeque<usize>, model: &[Model], kinds: &[(usize, u8)], jobs: &Jobs| {
            let Some(id) = queue.pop_front() else { return jobs.take().is_none() };
            let (promise, kind) = kinds[id];
            let good = model[promise].state == Some(true);
            if kind == 2 || (kind == 0) == good {
                expected.push(id);
            }
            let Some((_, job)) = jobs.take() else { return false };
            job();
            true
        };
        for op in ops {
            let before = log.borrow().len();
            let runs = matches!(op, Op::RunOne);
            match op {
                Op::Then(p) | Op::Catch(p) | Op::Finally(p) => {
                    if let Some(promise) = &promises[p] {
                        let (id, log) = (next, Rc::clone(&log));
                        next += 1;
                        let kind = match op { Op::Then(_) => 0, Op::Catch(_) => 1, _ => 2 };
                        kinds.push((p, kind));
                        // Each is handled in its turn, so that only the roots can be unhandled.
                        derived.push(match kind {
                            0 => promise.then(move |n| { log.borrow_mut().push(id); Ok(n) }),
                            1 => promise.catch(move |_| { log.borrow_mut().push(id); Ok(0) }),
                            _ => promise.finally(move || log.borrow_mut().push(id)),
                        });
                        model[p].handled = true;
                        if model[p].state.is_some() { queue.push_back(id) } else { model[p].reactions.push(id) }
                    }
                }
                Op::Settle(p, good) => if let Some(resolver) = resolvers[p].take() {
                    if good { resolver.fulfil(p) } else { resolver.reject(format!("{p}")) }
                    model[p].state = Some(good);
                    queue.extend(std::mem::take(&mut model[p].reactions));
                },
                Op::RunOne => prop_assert!(run_one(&mut queue, &model, &kinds, &jobs)),
                Op::Forget(p) => {
                    promises[p] = None;
                    model[p].forgotten = true;
                }
            }
            prop_assert!(runs || log.borrow().len() == before, "a reaction ran inside of something else");
            prop_assert_eq!(jobs.len(), queue.len());
        }
        while !queue.is_empty() {
            prop_assert!(run_one(&mut queue, &model, &kinds, &jobs));
        }
        prop_assert!(jobs.is_empty());
        prop_assert_eq!(&*log.borrow(), &expected);
        let mut unhandled: Vec<String> = jobs.take_unhandled().into_iter().map(|u| u.reason).collect();
        unhandled.sort();
        let silent = |m: &Model| m.forgotten && m.state == Some(false) && !m.handled;
        let told: Vec<String> = (0..PROMISES).filter(|p| silent(&model[*p])).map(|p| p.to_string()).collect();
        prop_assert_eq!(unhandled, told);
    }
}
