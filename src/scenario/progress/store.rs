//! The file of the progress, in the XDG state place. It is written whole beside itself and then renamed, so that a crash leaves the old one or the
//! new one; whoever writes holds a lock and takes in what others have written meanwhile; a file that cannot be understood is set aside under
//! another name, never overwritten.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::{Done, Progress, VERSION};

/// How long one waits for somebody else who writes, in all and at a time.
const PATIENCE: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);
/// The longest file that is read, in bytes: a hundred times what all lessons come to.
const LONGEST: u64 = 4 * 1024 * 1024;

/// Where the progress lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    path: PathBuf,
}

/// What went wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Reading, writing or locking.
    #[error("{path}: {error}")]
    Io {
        /// Of which file.
        path: String,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// It is of a later version of loopscope, which this one must not overwrite.
    #[error("{path} was written by a later version of loopscope")]
    Later {
        /// Of which file.
        path: String,
    },
}

/// What a file held.
struct Read {
    progress: Progress,
    /// Where what could not be understood has been put.
    aside: Option<PathBuf>,
}

/// What a file of any version has.
#[derive(serde::Deserialize)]
struct Versioned {
    version: u32,
}

impl Store {
    /// The store at this path.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The store of an environment: `$XDG_STATE_HOME/loopscope/progress.json`, else below `~/.local/state`. What is not an absolute path is
    /// no place (XDG Base Directory Specification).
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || absolute("HOME").map(|home| home.join(".local").join("state"));
        Some(Self::at(absolute("XDG_STATE_HOME").or_else(home)?.join("loopscope").join("progress.json")))
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What has been done so far; nothing where there is no file. A file that cannot be understood is set aside, and its new place returned.
    ///
    /// # Errors
    /// It cannot be read, or is of a later version.
    pub fn load(&self) -> Result<(Progress, Option<PathBuf>), Trouble> {
        if !self.path.exists() {
            return Ok((Progress::default(), None));
        }
        let _lock = self.lock()?;
        let Read { progress, aside } = self.read()?;
        Ok((progress, aside))
    }

    /// Takes in what a record of a lesson knows, beside whatever others have written. Returns all that is known now.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn merge(&self, id: &str, done: &Done) -> Result<Progress, Trouble> {
        self.change(|progress| progress.merge(id, done))
    }

    /// Forgets one lesson, or all. Whether there was anything to forget.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn forget(&self, id: Option<&str>) -> Result<bool, Trouble> {
        let mut forgotten = false;
        self.change(|progress| {
            let before = progress.lessons.len();
            progress.lessons.retain(|known, _| id.is_some_and(|id| id != known));
            forgotten = progress.lessons.len() < before;
            forgotten
        })?;
        Ok(forgotten)
    }

    /// Reads, changes and writes, with the lock held. Without a change nothing is written.
    fn change(&self, change: impl FnOnce(&mut Progress) -> bool) -> Result<Progress, Trouble> {
        let _lock = self.lock()?;
        let mut progress = self.read()?.progress;
        if change(&mut progress) {
            self.write(&progress).map_err(|error| self.trouble(error))?;
        }
        Ok(progress)
    }

    fn trouble(&self, error: io::Error) -> Trouble {
        Trouble::Io { path: self.path.display().to_string(), error }
    }

    /// The lock is a file of its own: the progress is another file after each writing. It ends with the process, however that ends.
    fn lock(&self) -> Result<File, Trouble> {
        let open = || {
            let folder = self.path.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(folder)?;
            let file = File::options().create(true).append(true).open(self.path.with_extension("lock"))?;
            for _ in 0..PATIENCE {
                match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                    Ok(()) => return Ok(file),
                    Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => thread::park_timeout(PAUSE),
                    Err(error) => return Err(error.into()),
                }
            }
            Err(io::Error::new(io::ErrorKind::TimedOut, "another instance holds its lock"))
        };
        open().map_err(|error| self.trouble(error))
    }

    fn read(&self) -> Result<Read, Trouble> {
        let bytes = match fs::metadata(&self.path).and_then(|meta| if meta.len() > LONGEST { Ok(Vec::new()) } else { fs::read(&self.path) })
        {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Read { progress: Progress::default(), aside: None }),
            Err(error) => return Err(self.trouble(error)),
        };
        match serde_json::from_slice::<Progress>(&bytes) {
            Ok(progress) if progress.version == VERSION => Ok(Read { progress, aside: None }),
            _ if serde_json::from_slice::<Versioned>(&bytes).is_ok_and(|versioned| versioned.version > VERSION) => {
                Err(Trouble::Later { path: self.path.display().to_string() })
            }
            _ => {
                let aside = self.set_aside().map_err(|error| self.trouble(error))?;
                Ok(Read { progress: Progress::default(), aside: Some(aside) })
            }
        }
    }

    /// Gives the broken file another name, one that is free.
    fn set_aside(&self) -> io::Result<PathBuf> {
        let name = |n: u32| self.path.with_extension(format!("json.broken-{n}"));
        let free = (1..u32::from(u16::MAX)).map(name).find(|path| !path.exists());
        let free = free.ok_or_else(|| io::Error::new(io::ErrorKind::AlreadyExists, "too many broken ones are kept beside it"))?;
        fs::rename(&self.path, &free)?;
        Ok(free)
    }

    fn write(&self, progress: &Progress) -> io::Result<()> {
        let temporary = self.path.with_extension(format!("json.{}", std::process::id()));
        let text = serde_json::to_string_pretty(progress)? + "\n";
        let written = (|| {
            let mut file = File::create(&temporary)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)
        })();
        if written.is_err() {
            // What is half written helps nobody; the old file is as it was.
            let _ = fs::remove_file(&temporary);
            return written;
        }
        // The name, too, survives a power cut once the folder is on the disk.
        File::open(self.path.parent().unwrap_or(Path::new("/")))?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Solved;
    use super::*;

    fn done(step: u16) -> Done {
        Done { seen: [step].into(), answers: [(step, 1)].into(), solved: [(step, Solved::Alone)].into(), reviewed: [0].into() }
    }

    fn store(folder: &tempfile::TempDir) -> Store {
        Store::at(folder.path().join("state").join("loopscope").join("progress.json"))
    }

    #[test]
    fn the_place_is_that_of_the_specification() {
        let path = |pairs: &[(&str, &str)]| {
            let of = |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            Store::of(of).map(|store| store.path().display().to_string())
        };
        assert_eq!(path(&[("XDG_STATE_HOME", "/x"), ("HOME", "/h")]).as_deref(), Some("/x/loopscope/progress.json"));
        assert_eq!(path(&[("XDG_STATE_HOME", "x"), ("HOME", "/h")]).as_deref(), Some("/h/.local/state/loopscope/progress.json"));
        assert_eq!(path(&[]), None);
    }

    #[test]
    fn what_was_written_is_read_again_and_forgotten_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        assert_eq!(store.load().unwrap(), (Progress::default(), None));
        assert!(!store.path().exists(), "looking leaves nothing behind");
        store.merge("a", &done(1)).unwrap();
        store.merge("b", &done(2)).unwrap();
        assert_eq!(store.load().unwrap().0.lessons.len(), 2);
        assert!(store.forget(Some("a")).unwrap() && !store.forget(Some("a")).unwrap());
        assert_eq!(store.load().unwrap().0.lessons.keys().collect::<Vec<_>>(), ["b"]);
        assert!(store.forget(None).unwrap());
        assert!(store.load().unwrap().0.lessons.is_empty());
        let left = fs::read_dir(store.path().parent().unwrap()).unwrap().count();
        assert_eq!(left, 2, "the file and its lock, nothing half written");
    }

    #[test]
    fn many_who_write_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        thread::scope(|scope| {
            for writer in 0..8_u16 {
                let store = &store;
                scope.spawn(move || (0..10).for_each(|n| drop(store.merge("x", &done(writer * 10 + n)).unwrap())));
            }
        });
        assert_eq!(store.load().unwrap().0.lessons["x"].seen.len(), 80);
    }

    #[test]
    fn a_broken_file_is_set_aside_and_a_later_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        fs::create_dir_all(store.path().parent().unwrap()).unwrap();
        for n in 1..=2 {
            fs::write(store.path(), "{ \"version\": 1, \"lessons\": { \"a\": ").unwrap();
            let (progress, aside) = store.load().unwrap();
            assert!(progress.lessons.is_empty());
            let aside = aside.unwrap();
            assert!(aside.to_string_lossy().ends_with(&format!("progress.json.broken-{n}")), "{}", aside.display());
            assert!(fs::read_to_string(aside).unwrap().starts_with("{ \"version\": 1"));
        }
        fs::write(store.path(), "{ \"version\": 99, \"other\": [] }").unwrap();
        assert!(matches!(store.load(), Err(Trouble::Later { .. })));
        assert!(matches!(store.merge("a", &done(1)), Err(Trouble::Later { .. })));
        assert_eq!(fs::read_to_string(store.path()).unwrap(), "{ \"version\": 99, \"other\": [] }");
    }

    #[test]
    fn whoever_died_while_writing_left_the_old_file_whole_and_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        store.merge("a", &done(1)).unwrap();
        fs::write(store.path().with_extension("json.4242"), "{ half").unwrap();
        assert_eq!(store.load().unwrap().0.lessons.len(), 1);
        assert_eq!(store.merge("a", &done(2)).unwrap().lessons["a"].seen.len(), 2);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Store::at(file.join("progress.json")).merge("a", &done(1)).unwrap_err();
        assert!(error.to_string().contains("progress.json: "), "{error}");
    }
}
