//! The stream that the driver speaks on. The driver is built without TLS of its own, since its would bring another provider than
//! ours: we ask for encryption and shake hands, and only then does the driver begin, inside. Its own first question, which the
//! server has answered us already, goes nowhere and gets that answer.

use super::address::{Address, Way};
use super::framed::{Framed, HEAD_BYTES, packet, read_packet};
use futures_util::io::{AsyncRead, AsyncWrite};
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead as _, AsyncWrite as _, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// PRELOGIN (MS-TDS 2.2.6.5): which options stand where, the end of their list, then version, encryption on, the instance's
/// name, a thread's number, no MARS.
const ASK: [u8; 39] = [
    0, 0, 26, 0, 6, //
    1, 0, 32, 0, 1, //
    2, 0, 33, 0, 1, //
    3, 0, 34, 0, 4, //
    4, 0, 38, 0, 1,    //
    0xff, //
    11, 0, 0, 0, 0, 0,          //
    ENCRYPT_ON, //
    0,          //
    0, 0, 0, 0, //
    0,
];
const ENCRYPTION: u8 = 1;
const ENCRYPT_ON: u8 = 1;
const ENCRYPT_REQUIRED: u8 = 3;
const END_OF_OPTIONS: u8 = 0xff;

pub(super) struct Stream {
    inner: Inner,
    /// What is left of the driver's first packet; none once it is through.
    asked: Option<Vec<u8>>,
    /// What is left of the server's answer to it.
    answer: Vec<u8>,
}

enum Inner {
    Plain(TcpStream),
    Secured(Box<TlsStream<Framed>>),
}

impl Stream {
    pub(super) async fn connect(address: &Address) -> Result<Stream> {
        let mut tcp = TcpStream::connect((address.host.as_str(), address.port)).await?;
        tcp.set_nodelay(true)?;
        let Way::Secured(config, name) = &address.way else {
            return Ok(Stream { inner: Inner::Plain(tcp), asked: None, answer: Vec::new() });
        };
        tcp.write_all(&packet(&ASK)).await?;
        let answer = read_packet(&mut tcp).await?;
        if !matches!(encryption(&answer), Some(ENCRYPT_ON | ENCRYPT_REQUIRED)) {
            let why = "the server offers no TLS: give it a certificate, or for a server on this machine write encrypt=off";
            return Err(Error::new(ErrorKind::ConnectionRefused, why));
        }
        let connector = TlsConnector::from(std::sync::Arc::clone(config));
        let mut tls = connector.connect(name.clone(), Framed::new(tcp)).await?;
        tls.get_mut().0.handshake_ended();
        Ok(Stream { inner: Inner::Secured(Box::new(tls)), asked: Some(Vec::new()), answer })
    }
}

/// What an answer says of encryption.
fn encryption(answer: &[u8]) -> Option<u8> {
    let body = answer.get(HEAD_BYTES..)?;
    let mut options = body.chunks(5).take_while(|option| option.first() != Some(&END_OF_OPTIONS));
    let option = options.find(|option| option.first() == Some(&ENCRYPTION))?;
    let [_, high, low, ..] = option else { return None };
    body.get(usize::from(u16::from_be_bytes([*high, *low]))).copied()
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        if !this.answer.is_empty() {
            let count = this.answer.len().min(buffer.len());
            for (place, byte) in buffer.iter_mut().zip(this.answer.drain(..count)) {
                *place = byte;
            }
            return Poll::Ready(Ok(count));
        }
        let mut room = ReadBuf::new(buffer);
        match &mut this.inner {
            Inner::Plain(tcp) => ready!(Pin::new(tcp).poll_read(cx, &mut room))?,
            Inner::Secured(tls) => ready!(Pin::new(tls.as_mut()).poll_read(cx, &mut room))?,
        }
        Poll::Ready(Ok(room.filled().len()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        if let Some(asked) = &mut this.asked {
            asked.extend_from_slice(bytes);
            let length = asked.get(2..4).and_then(|length| <[u8; 2]>::try_from(length).ok());
            if length.is_some_and(|length| asked.len() >= usize::from(u16::from_be_bytes(length))) {
                this.asked = None;
            }
            return Poll::Ready(Ok(bytes.len()));
        }
        match &mut this.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Inner::Secured(tls) => Pin::new(tls.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Inner::Secured(tls) => Pin::new(tls.as_mut()).poll_flush(cx),
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Inner::Secured(tls) => Pin::new(tls.as_mut()).poll_shutdown(cx),
        }
    }
}
