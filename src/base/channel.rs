//! Messages between the lab and its children: frames of JSON on a Unix stream socket, the first with descriptors.
//!
//! The child's end is its standard input, so that it needs no number to find it by, and the end of the lab is the end of the file.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest frame that is believed.
const MAX_FRAME: usize = 1 << 20;
/// The most descriptors that travel with a frame: a master of eight workers is given a mapping and a listener for each, and one mapping of its own.
const MAX_FDS: usize = 20;

/// Sends one frame; blocks while the socket's buffer is full, unless the socket does not block.
///
/// # Errors
/// What the socket says; `InvalidData` for a frame over 1 MiB.
pub fn send<T: Serialize>(mut stream: &UnixStream, message: &T) -> io::Result<()> {
    stream.write_all(&frame(message)?)
}

/// Sends one frame with descriptors, which the receiver gets copies of.
///
/// # Errors
/// As [`send`].
pub fn send_with_fds<T: Serialize>(mut stream: &UnixStream, message: &T, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let frame = frame(message)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many descriptors for one frame"));
    }
    let sent = rustix::net::sendmsg(stream, &[IoSlice::new(&frame)], &mut ancillary, SendFlags::NOSIGNAL)?;
    stream.write_all(&frame[sent..])
}

/// Receives one frame and its descriptors, blocking.
///
/// # Errors
/// What the socket says, `UnexpectedEof` at its end, `InvalidData` for what is no such frame.
pub fn receive_with_fds<T: DeserializeOwned>(mut stream: &UnixStream) -> io::Result<(T, Vec<OwnedFd>)> {
    let mut length = [0_u8; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let got = rustix::net::recvmsg(stream, &mut [IoSliceMut::new(&mut length)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    if got.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let fds =
        ancillary.drain().filter_map(|m| if let RecvAncillaryMessage::ScmRights(fds) = m { Some(fds) } else { None }).flatten().collect();
    stream.read_exact(&mut length[got.bytes..])?;
    let mut body = vec![0; frame_length(length)?];
    stream.read_exact(&mut body)?;
    Ok((serde_json::from_slice(&body)?, fds))
}

/// The child's end of the channel: its own standard input.
///
/// # Errors
/// `NotConnected` where standard input is no socket: somebody started the hidden subcommand by hand.
pub fn from_stdin() -> io::Result<UnixStream> {
    let stdin = rustix::stdio::stdin();
    rustix::net::sockopt::socket_type(stdin)
        .map_err(|_| io::Error::new(io::ErrorKind::NotConnected, "this subcommand is started by the lab, not by hand"))?;
    Ok(UnixStream::from(rustix::io::fcntl_dupfd_cloexec(stdin, 3)?))
}

/// Reads frames from a socket that does not block, over as many calls as they take.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    ended: bool,
}

impl Frames {
    /// Reads what is there. Call [`Frames::next`] until it gives nothing.
    ///
    /// # Errors
    /// What the socket says, other than that there is nothing to read.
    pub fn fill(&mut self, mut from: impl Read) -> io::Result<()> {
        let mut chunk = [0; 4096];
        loop {
            match from.read(&mut chunk) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(n) => self.buffer.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The next whole frame, if one is there.
    ///
    /// # Errors
    /// `InvalidData` for what is no such frame; nothing that follows can be trusted then.
    #[expect(clippy::should_implement_trait, reason = "an iterator has one item type and no errors")]
    pub fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some(&length) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let end = 4 + frame_length(length)?;
        if self.buffer.len() < end {
            return Ok(None);
        }
        let message = serde_json::from_slice(&self.buffer[4..end])?;
        self.buffer.drain(..end);
        Ok(Some(message))
    }

    /// Whether the other side has closed.
    pub fn ended(&self) -> bool {
        self.ended
    }
}

fn frame<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame too long"));
    }
    frame[..4].copy_from_slice(&(length as u32).to_le_bytes());
    Ok(frame)
}

fn frame_length(bytes: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(bytes) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame too long"));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_frame_arrives_with_its_descriptors() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (a, b) = UnixStream::pair().unwrap();
        send_with_fds(&ours, &("hello".to_string(), 7), &[a.as_fd(), b.as_fd()]).unwrap();
        let (message, fds): ((String, i32), _) = receive_with_fds(&theirs).unwrap();
        assert_eq!((message, fds.len()), (("hello".to_string(), 7), 2));
        drop(ours);
        assert_eq!(receive_with_fds::<()>(&theirs).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn frames_are_put_together_from_pieces() {
        let bytes: Vec<u8> = (0..3).flat_map(|n| frame(&n).unwrap()).collect();
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let (mut frames, mut got) = (Frames::default(), Vec::<i32>::new());
        for byte in bytes {
            ours.write_all(&[byte]).unwrap();
            frames.fill(&theirs).unwrap();
            got.extend(frames.next::<i32>().unwrap());
        }
        assert_eq!(got, [0, 1, 2]);
        drop(ours);
        frames.fill(&theirs).unwrap();
        assert!(frames.ended());
    }

    #[test]
    fn nonsense_is_refused() {
        let mut frames = Frames { buffer: vec![0xFF; 16], ended: false };
        assert!(frames.next::<i32>().is_err());
        let mut frames = Frames { buffer: vec![1, 0, 0, 0, b'{'], ended: false };
        assert!(frames.next::<i32>().is_err());
    }
}
