//! The bytes of a TLS handshake within SQL Server's own packets: each flight goes as one packet of the kind PRELOGIN, and comes
//! as one. After the handshake the bytes go as they are. Never reads what is not there: what a server says before it has shown a
//! certificate is trusted for nothing.

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

pub(super) const HEAD_BYTES: usize = 8;
const PRELOGIN: u8 = 0x12;
const ANSWER: u8 = 0x04;
const LAST: u8 = 0x01;
/// The size of packets before a login has said another.
const PACKET_MAX_BYTES: usize = 4096;

/// What a packet of the handshake is, beside its head.
pub(super) fn packet(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(HEAD_BYTES + body.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[PRELOGIN, LAST][..], &length, &[0; 4], body].concat()
}

/// Length of a whole packet by its head.
fn whole(head: &[u8]) -> Result<Option<usize>> {
    let [kind, _, high, low, ..] = head else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if !matches!(*kind, PRELOGIN | ANSWER) || length < HEAD_BYTES {
        return Err(Error::new(ErrorKind::InvalidData, "what answers there is no SQL Server"));
    }
    Ok(Some(length))
}

/// One packet, with its head.
pub(super) async fn read_packet(tcp: &mut TcpStream) -> Result<Vec<u8>> {
    let mut packet = vec![0; HEAD_BYTES];
    tcp.read_exact(&mut packet).await?;
    packet.resize(whole(&packet)?.unwrap_or(HEAD_BYTES), 0);
    tcp.read_exact(packet.get_mut(HEAD_BYTES..).unwrap_or_default()).await?;
    Ok(packet)
}

pub(super) struct Framed {
    tcp: TcpStream,
    shaking: bool,
    /// A packet that is not read to its end, and how far it is handed over.
    coming: Vec<u8>,
    taken: usize,
    /// What is not packed yet, then what is packed and not written yet.
    unpacked: Vec<u8>,
    going: Vec<u8>,
}

impl Framed {
    pub(super) fn new(tcp: TcpStream) -> Framed {
        let (coming, unpacked, going) = (Vec::new(), Vec::new(), Vec::new());
        Framed { tcp, shaking: true, coming, taken: HEAD_BYTES, unpacked, going }
    }

    /// From here on the bytes go as they are.
    pub(super) fn handshake_ended(&mut self) {
        self.shaking = false;
    }

    /// Reads until the packet in `coming` is whole.
    fn poll_packet(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            let wanted = whole(&self.coming)?.unwrap_or(HEAD_BYTES);
            let missing = wanted.saturating_sub(self.coming.len());
            if missing == 0 {
                return Poll::Ready(Ok(()));
            }
            let mut piece = [0; PACKET_MAX_BYTES];
            let Some(room) = piece.get_mut(..missing.min(PACKET_MAX_BYTES)) else { continue };
            let mut room = ReadBuf::new(room);
            ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut room))?;
            if room.filled().is_empty() {
                return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
            }
            self.coming.extend_from_slice(room.filled());
        }
    }
}

impl AsyncRead for Framed {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        // The last packet of a handshake may be handed over when it has ended.
        if !this.shaking && this.taken >= this.coming.len() {
            return Pin::new(&mut this.tcp).poll_read(cx, buffer);
        }
        ready!(this.poll_packet(cx))?;
        let rest = this.coming.get(this.taken..).unwrap_or_default();
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..count).unwrap_or_default());
        this.taken += count;
        if this.taken >= this.coming.len() {
            this.coming.clear();
            this.taken = HEAD_BYTES;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Framed {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        if !this.shaking {
            return Pin::new(&mut this.tcp).poll_write(cx, bytes);
        }
        let count = bytes.len().min(PACKET_MAX_BYTES - HEAD_BYTES - this.unpacked.len());
        if count == 0 && !bytes.is_empty() {
            ready!(Pin::new(&mut *this).poll_flush(cx))?;
            return Pin::new(this).poll_write(cx, bytes);
        }
        this.unpacked.extend_from_slice(bytes.get(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if this.going.is_empty() && !this.unpacked.is_empty() {
            this.going = packet(&std::mem::take(&mut this.unpacked));
        }
        while !this.going.is_empty() {
            let count = ready!(Pin::new(&mut this.tcp).poll_write(cx, &this.going))?;
            if count == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            this.going.drain(..count);
        }
        Pin::new(&mut this.tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}
