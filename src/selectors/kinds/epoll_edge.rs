//! epoll, edge-triggered (`EPOLLET`): a descriptor is reported once for each time that something new arrives.
//!
//! What was reported and left unread is not reported again, so whoever is told must read until `EAGAIN`. mio, and so the
//! specimen's loop, asks in this way.

use rustix::event::epoll::EventFlags;

use super::{Row, Selector, epoll};

pub(super) static ROW: Row = Row {
    selector: Selector::EpollEdge,
    id: "epoll-edge",
    title: "epoll, edge",
    call: "epoll_wait",
    watch: |fds| epoll::watch(fds, EventFlags::ET),
    copied: epoll::copied,
};
