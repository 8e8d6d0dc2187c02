//! The only `unsafe` of this crate: words of memory that several processes share, the processor's cycle counter, and an allocator that counts.
//!
//! Everything above sees slices of atomics and a number. Whatever bytes another process writes into the mapping, the
//! worst that can come of it is a strange number: the slices are only ever of integers, and every integer is valid.
#![allow(unsafe_code, reason = "the one module that maps shared memory, reads the cycle counter and hands allocations on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64};

use memmap2::{MmapOptions, MmapRaw};

/// Bytes of the first page, which is seen as 32-bit words ([`Mapping::halves`]): futexes are 32 bits wide.
pub const HALVES_BYTES: usize = 4096;

/// A shared, anonymous file in memory, mapped into this process.
///
/// The first page is a slice of 32-bit atomics, the rest one of 64-bit atomics. The two never overlap, so no word is
/// ever accessed at two sizes.
#[derive(Debug)]
pub struct Mapping {
    map: MmapRaw,
}

impl Mapping {
    /// Makes a memory file that can hold `words` 64-bit words after the first page, and maps it.
    ///
    /// The file is sealed against shrinking: a process that truncates a mapped file kills those that read it (`SIGBUS`).
    ///
    /// # Errors
    /// What `memfd_create`, `ftruncate`, `fcntl` and `mmap` say.
    pub fn create(name: &str, words: usize) -> io::Result<(Self, OwnedFd)> {
        use rustix::fs::{MemfdFlags, SealFlags};
        let fd = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        rustix::fs::ftruncate(&fd, (HALVES_BYTES + words * 8) as u64)?;
        rustix::fs::fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let map = Self::open(fd.try_clone()?)?;
        Ok((map, fd))
    }

    /// Maps a memory file made by [`Mapping::create`], with every page present at once: a page fault in the middle of a
    /// callback would be a cost of watching.
    ///
    /// # Errors
    /// What `fstat` and `mmap` say; `InvalidData` where the file is too short or could still be shrunk.
    pub fn open(fd: OwnedFd) -> io::Result<Self> {
        let seals = rustix::fs::fcntl_get_seals(fd.as_fd())?;
        let file = File::from(fd);
        let len = file.metadata()?.len() as usize;
        if !seals.contains(rustix::fs::SealFlags::SHRINK) || len < HALVES_BYTES + 8 || !len.is_multiple_of(8) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a telemetry mapping"));
        }
        let map = MmapOptions::new().len(len).populate().map_raw(&file)?;
        Ok(Self { map })
    }

    /// The 32-bit words of the first page.
    #[inline]
    pub fn halves(&self) -> &[AtomicU32] {
        // SAFETY: the mapping is at least HALVES_BYTES long (checked in `open`), page-aligned, lives as long as `self`,
        // and cannot shrink (sealed). Other processes write to it only through atomics; AtomicU32 has no invalid value.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast(), HALVES_BYTES / 4) }
    }

    /// The 64-bit words behind the first page.
    #[inline]
    pub fn words(&self) -> &[AtomicU64] {
        let len = (self.map.len() - HALVES_BYTES) / 8;
        // SAFETY: as for `halves`; the offset keeps the alignment, and the range [HALVES_BYTES, len) is disjoint from it.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(HALVES_BYTES).cast(), len) }
    }
}

/// The processor's cycle counter, about 9 ns a read. On other processors than x86-64: zero, and [`super::clock`] does not use it.
#[inline]
pub fn cycles() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: RDTSC is part of every x86-64 processor and touches no memory.
    unsafe {
        core::arch::x86_64::_rdtsc()
    }
    #[cfg(not(target_arch = "x86_64"))]
    0
}

/// The system's allocator, and how often the calling thread has asked it for memory.
///
/// A count for each thread costs one addition where memory is asked for, and nothing where none is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

thread_local! {
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
}

/// How often this thread has asked for memory so far, or for more of it; `None` where [`Counting`] is not this program's allocator.
pub fn allocations() -> Option<u64> {
    // Starting a thread allocates: one that runs and has counted nothing is not counted.
    Some(ALLOCATED.get()).filter(|count| *count > 0)
}

fn count() {
    // A cell without a destructor is there for as long as its thread is.
    ALLOCATED.set(ALLOCATED.get() + 1);
}

// SAFETY: every call is handed on as it came to the system's allocator, which keeps the contract; counting touches no memory but a cell of
// this thread, and neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller has promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller has promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller has promised.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: as the caller has promised.
        unsafe { System.dealloc(old, layout) }
    }
}

#[cfg(test)]
#[global_allocator]
static COUNTED: Counting = Counting;

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn each_thread_counts_what_it_asks_for() {
        let counted = |act: fn()| {
            let before = allocations().unwrap_or(0);
            act();
            allocations().unwrap_or(0) - before
        };
        assert_eq!(counted(|| drop(black_box(Box::new(7_u64)))), 1);
        assert_eq!(counted(|| drop(black_box(vec![0_u8; 64]))), 1);
        let growing = counted(|| {
            let mut bytes = Vec::with_capacity(1);
            (0..64_u8).for_each(|n| bytes.push(black_box(n)));
        });
        assert!(growing > 2, "who grows asks again: {growing}");
        assert_eq!(counted(|| assert!(black_box(7) > 0)), 0);
    }

    #[test]
    fn two_mappings_of_one_file_are_the_same_memory() {
        let (a, fd) = Mapping::create("test", 1024).unwrap();
        let b = Mapping::open(fd).unwrap();
        assert_eq!((a.words().len(), a.halves().len()), (1024, 1024));
        a.words()[1023].store(7, Relaxed);
        b.halves()[3].store(9, Relaxed);
        assert_eq!((b.words()[1023].load(Relaxed), a.halves()[3].load(Relaxed)), (7, 9));
    }

    #[test]
    fn a_file_that_is_no_mapping_is_refused() {
        let fd = rustix::fs::memfd_create("short", rustix::fs::MemfdFlags::ALLOW_SEALING).unwrap();
        assert_eq!(Mapping::open(fd).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_mapped_file_cannot_be_shrunk() {
        let (_map, fd) = Mapping::create("sealed", 16).unwrap();
        assert!(rustix::fs::ftruncate(&fd, 0).is_err());
    }
}
