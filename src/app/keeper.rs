//! Keeps what the person has done of the lessons, on a thread of its own: no key and no picture waits for a disk.

use std::io;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use super::Wake;
use crate::scenario::progress::{Done, Store};

/// Who keeps the progress.
#[derive(Debug)]
pub struct Keeper {
    orders: Option<Sender<(String, Done)>>,
    thread: Option<JoinHandle<()>>,
    last: Option<(String, Done)>,
}

impl Keeper {
    /// Starts the thread. Without a store nothing is kept.
    ///
    /// # Errors
    /// Where the thread cannot be had.
    pub fn start(store: Option<Store>, wakes: Sender<Wake>) -> io::Result<Self> {
        let Some(store) = store else { return Ok(Self { orders: None, thread: None, last: None }) };
        let (orders, receiver) = mpsc::channel::<(String, Done)>();
        let thread = std::thread::Builder::new().name("progress".into()).spawn(move || {
            for (id, done) in receiver {
                let wake = match store.merge(&id, &done) {
                    Ok(progress) => Wake::Progress(progress),
                    Err(trouble) => Wake::NotKept(trouble.to_string()),
                };
                // Where the main loop has ended, what is left is written all the same.
                let _ = wakes.send(wake);
            }
        })?;
        Ok(Self { orders: Some(orders), thread: Some(thread), last: None })
    }

    /// Keeps this of a lesson, where it is news.
    pub fn keep(&mut self, id: &str, done: Done) {
        let news = self.last.as_ref().is_none_or(|(last, known)| last != id || *known != done);
        if let Some(orders) = self.orders.as_ref().filter(|_| news && !done.is_empty()) {
            let _ = orders.send((id.to_owned(), done.clone()));
            self.last = Some((id.to_owned(), done));
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
