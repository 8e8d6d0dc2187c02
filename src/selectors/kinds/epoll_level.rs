//! epoll, level-triggered, as it is by default: a descriptor is reported by every call for as long as it is ready.
//!
//! To keep that promise the kernel puts each descriptor it has reported back on the ready list and asks it again in the next
//! call. With few active ones that is nothing; where all are active, it makes epoll dearer than `poll`.

use rustix::event::epoll::EventFlags;

use super::{Row, Selector, epoll};

pub(super) static ROW: Row = Row {
    selector: Selector::EpollLevel,
    id: "epoll-level",
    title: "epoll, level",
    call: "epoll_wait",
    watch: |fds| epoll::watch(fds, EventFlags::empty()),
    copied: epoll::copied,
};
