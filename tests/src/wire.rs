//! A hand on the wire between a client and a database server: it passes on what both say, and at a word of the client's it cuts the
//! connection or falls silent. Reads no more of a protocol than where a message ends, so that no word is missed between two reads.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::process::PATIENCE;

const PIECE_BYTES: usize = 16 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Postgres,
    MySql,
}

/// What becomes of the client's next message with a certain word in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server never has it: the connection is cut.
    Unsaid,
    /// The server has done it and said so; the client never hears it: the connection is cut.
    Unheard,
    /// The client hears the answer, then the connection is cut.
    Heard,
    /// The client hears half of the answer, then nothing any more.
    Silent,
}

/// Listens on a port of the kernel's in front of a server's socket. After a fault nothing passes, on any connection, until
/// [`Wire::let_go`]: there is time to look at what the client makes of it.
pub struct Wire {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    protocol: Protocol,
    socket: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    armed: Option<(&'static str, Fault)>,
    fired: usize,
    held: bool,
    closed: bool,
    streams: Vec<TcpStream>,
}

impl Wire {
    pub fn before(protocol: Protocol, socket: &Path) -> Wire {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listens");
        let port = listener.local_addr().expect("has a port").port();
        let state = Mutex::default();
        let shared = Arc::new(Shared { protocol, socket: socket.to_owned(), state, changed: Condvar::new() });
        let ours = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if ours.lock().closed {
                    break;
                }
                ours.pass_on(client);
            }
        });
        Wire { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next message of a client with this word in it meets the fault.
    pub fn arm(&self, word: &'static str, fault: Fault) {
        let mut state = self.shared.lock();
        assert!(state.armed.is_none() && !state.held, "one fault at a time");
        state.armed = Some((word, fault));
    }

    /// Waits until the fault that was armed has come about.
    pub fn fired(&self, count: usize) {
        let state = self.shared.lock();
        let waits = |state: &mut State| state.fired < count;
        let (state, end) =
            self.shared.changed.wait_timeout_while(state, PATIENCE, waits).expect("no other user failed");
        assert!(!end.timed_out(), "the fault never fired: {:?}", state.armed);
    }

    /// Everything passes again.
    pub fn let_go(&self) {
        self.shared.lock().held = false;
        self.shared.changed.notify_all();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.streams.iter().for_each(end);
        drop(state);
        self.shared.changed.notify_all();
        // Wakes the one who waits for clients.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// The two ends of one connection, and what is to happen to the server's next words.
struct Ends {
    client: TcpStream,
    server: UnixStream,
    answer: Mutex<Option<Fault>>,
}

impl Ends {
    fn cut(&self) {
        end(&self.client);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

fn end(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Both);
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no other user failed")
    }

    fn pass_on(self: &Arc<Shared>, client: TcpStream) {
        // A server that is away: the client finds its connection closed.
        let Ok(server) = UnixStream::connect(&self.socket) else { return };
        self.lock().streams.push(client.try_clone().expect("shares the stream"));
        let ends = Arc::new(Ends { client, server, answer: Mutex::default() });
        for way in [Shared::up, Shared::down] {
            let (shared, ends) = (Arc::clone(self), Arc::clone(&ends));
            std::thread::spawn(move || {
                way(&shared, &ends);
                ends.cut();
            });
        }
    }

    /// From the client to the server, message by message.
    fn up(&self, ends: &Ends) {
        let (mut waiting, mut piece, mut first) = (Vec::new(), vec![0; PIECE_BYTES], true);
        loop {
            while let Some(length) = message_bytes(self.protocol, first, &waiting) {
                let rest = waiting.split_off(length);
                let message = std::mem::replace(&mut waiting, rest);
                first = false;
                if self.fault_for(&message, ends) == Some(Fault::Unsaid) {
                    ends.cut();
                    self.note(Fault::Unsaid);
                    return;
                }
                if (&ends.server).write_all(&message).is_err() {
                    return;
                }
            }
            match (&ends.client).read(&mut piece) {
                Ok(read) if read > 0 => waiting.extend_from_slice(&piece[..read]),
                _ => return,
            }
        }
    }

    /// Waits while nothing may pass, then takes the fault that this message meets.
    fn fault_for(&self, message: &[u8], ends: &Ends) -> Option<Fault> {
        let held = |state: &mut State| state.held && !state.closed;
        let mut state = self.changed.wait_while(self.lock(), held).expect("no other user failed");
        let (word, _) = state.armed?;
        message.windows(word.len()).any(|part| part == word.as_bytes()).then_some(())?;
        let (_, fault) = state.armed.take()?;
        *ends.answer.lock().expect("no other user failed") = Some(fault);
        Some(fault)
    }

    /// From the server to the client. A client asks nothing more before it has heard, so that what comes after its message is the
    /// answer to it.
    fn down(&self, ends: &Ends) {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = match (&ends.server).read(&mut piece) {
                Ok(read) if read > 0 => read,
                _ => return,
            };
            let fault = ends.answer.lock().expect("no other user failed").take();
            let heard = match fault {
                None | Some(Fault::Heard) => read,
                Some(Fault::Silent) => read / 2,
                Some(Fault::Unheard | Fault::Unsaid) => 0,
            };
            if (&ends.client).write_all(&piece[..heard]).is_err() {
                return;
            }
            let Some(fault) = fault else { continue };
            if fault == Fault::Silent {
                self.note(fault);
                // Open, and silent, until the client gives up.
                while (&ends.server).read(&mut piece).is_ok_and(|read| read > 0) {}
                return;
            }
            ends.cut();
            self.note(fault);
            return;
        }
    }

    /// It has come about. What was heard needs no look.
    fn note(&self, fault: Fault) {
        let mut state = self.lock();
        state.fired += 1;
        state.held = fault != Fault::Heard;
        drop(state);
        self.changed.notify_all();
    }
}

/// How long the first message is; none while it is not whole. A PostgreSQL client's first one has no letter in front.
fn message_bytes(protocol: Protocol, first: bool, bytes: &[u8]) -> Option<usize> {
    let length = match protocol {
        Protocol::Postgres => {
            let head = usize::from(!first);
            let length = bytes.get(head..head + 4)?;
            head + usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?
        }
        Protocol::MySql => {
            let length = bytes.get(..4)?;
            4 + usize::try_from(u32::from_le_bytes([length[0], length[1], length[2], 0])).ok()?
        }
    };
    (bytes.len() >= length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_end_where_they_say() {
        let postgres = |first, bytes: &[u8]| message_bytes(Protocol::Postgres, first, bytes);
        assert_eq!(postgres(false, b"Q\0\0\0\x0bCOMMIT\0S"), Some(12));
        assert_eq!(postgres(false, b"Q\0\0\0\x0bCOMMIT"), None);
        assert_eq!(postgres(true, b"\0\0\0\x08\0\x03\0\0p"), Some(8));
        assert_eq!(postgres(false, b"Q\0"), None);
        assert_eq!(message_bytes(Protocol::MySql, true, b"\x07\0\0\0\x03COMMIT\x01"), Some(11));
        assert_eq!(message_bytes(Protocol::MySql, false, b"\x07\0\0\0\x03COM"), None);
    }
}
