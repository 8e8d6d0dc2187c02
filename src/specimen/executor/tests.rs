//! Futures are polled when they were woken and not otherwise, once for many wakings, and are gone when they are done.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::AtomicUsize;

use super::*;

const OWNER: Token = Token(9);

fn executor() -> Executor {
    Executor::new(|| {})
}

/// Polls everything that is ready, as many ticks would. How many polls.
fn run(executor: &Executor) -> usize {
    std::iter::from_fn(|| executor.take()).map(|wakeup| executor.poll(&wakeup)).count()
}

struct Await<T>(Rc<Mailbox<T>>);

impl<T> Future for Await<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.0.poll(context)
    }
}

#[test]
fn a_future_goes_on_when_what_it_waits_for_is_there() {
    let executor = executor();
    let (first, second, sum) = (Rc::new(Mailbox::default()), Rc::new(Mailbox::default()), Rc::new(Cell::new(0)));
    let (a, b, out) = (Await(Rc::clone(&first)), Await(Rc::clone(&second)), Rc::clone(&sum));
    executor.spawn(OWNER, async move { out.set(a.await + b.await) });
    assert_eq!((executor.due(), executor.len(), sum.get()), (1, 1, 0), "nothing runs inside of spawn");
    assert_eq!(run(&executor), 1);
    assert_eq!(run(&executor), 0, "it is not polled for nothing");
    second.put(2);
    assert_eq!(run(&executor), 0, "nobody waits for the second yet");
    first.put(40);
    assert_eq!((run(&executor), sum.get(), executor.len()), (1, 42, 0));
}

#[test]
fn many_wakings_are_one_poll_and_a_late_one_is_none() {
    let executor = executor();
    let waker = Rc::new(RefCell::new(None::<Waker>));
    let (kept, done) = (Rc::clone(&waker), Rc::new(Cell::new(false)));
    let finish = Rc::clone(&done);
    executor.spawn(
        OWNER,
        std::future::poll_fn(move |context| {
            *kept.borrow_mut() = Some(context.waker().clone());
            if finish.get() { Poll::Ready(()) } else { Poll::Pending }
        }),
    );
    assert_eq!(run(&executor), 1);
    let waker = waker.borrow_mut().take().unwrap();
    (0..5).for_each(|_| waker.wake_by_ref());
    assert_eq!((executor.due(), run(&executor)), (1, 1));
    done.set(true);
    waker.wake_by_ref();
    run(&executor);
    assert!(executor.is_empty());
    // Its place is another's now, which must not be disturbed.
    let polls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&polls);
    executor.spawn(
        OWNER,
        std::future::poll_fn(move |_| {
            counted.set(counted.get() + 1);
            Poll::Pending
        }),
    );
    run(&executor);
    waker.wake();
    run(&executor);
    assert_eq!((polls.get(), executor.len()), (1, 1));
}

#[test]
fn a_waker_works_from_another_thread_and_wakes_the_loop() {
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    let executor = Executor::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let (sender, receiver) = std::sync::mpsc::channel();
    executor.spawn(
        OWNER,
        std::future::poll_fn(move |context| sender.send(context.waker().clone()).map_or(Poll::Ready(()), |()| Poll::Pending)),
    );
    run(&executor);
    let waker = receiver.recv().unwrap();
    assert_eq!(woken.load(Ordering::SeqCst), 0, "its own thread is awake");
    thread::spawn(move || waker.wake()).join().unwrap();
    assert_eq!((woken.load(Ordering::SeqCst), executor.due()), (1, 1));
}

#[test]
fn one_that_panics_is_given_up() {
    let executor = executor();
    executor.spawn(OWNER, async { panic!("on purpose") });
    let wakeup = executor.take().unwrap();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| executor.poll(&wakeup))).is_err());
    assert!(executor.is_empty());
    executor.poll(&wakeup);
}
