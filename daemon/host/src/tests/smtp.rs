//! Mail through relays, against a server that says what each test wants.

use super::{Job, is, job};
use crate::grants::Grants;
use crate::reach::{Security, Services, SmtpRelay};
use crate::wit::smtp::Host;
use crate::wit::types::{Failure, FailureClass};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Ends the connection instead of answering.
const HANG_UP: &str = "";

/// A mail server of fixed answers: what it says to a command that begins so, else its usual.
struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

/// What is said and what is sent over.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}
type Talk = BufStream<Box<dyn Wire>>;

type Script = &'static [(&'static str, &'static str)];

async fn serve(script: Script) -> Server {
    serve_with(script, None, Security::None).await
}

async fn serve_with(script: Script, tls: Option<TlsAcceptor>, security: Security) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut talks = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            let tls = tls.clone();
            talks.spawn(async move {
                let wire: Box<dyn Wire> = match tls.as_ref().filter(|_| security == Security::Tls) {
                    // A client that does not trust us goes away in the handshake.
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => Box::new(stream),
                        Err(_) => return,
                    },
                    None => Box::new(stream),
                };
                talk(BufStream::new(wire), script, tls).await;
            });
        }
    });
    Server { port, connections, _tasks: tasks }
}

async fn talk(mut stream: Talk, script: Script, tls: Option<TlsAcceptor>) {
    say(&mut stream, "220 test").await;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let usual = [
            ("EHLO", "250-test\r\n250-AUTH PLAIN\r\n250 8BITMIME"),
            ("DATA", "354 go on"),
            ("END", "250 2.0.0 queued as 42"),
            ("QUIT", HANG_UP),
            ("", "250 ok"),
        ];
        let answer = |command: &str| {
            let all = script.iter().chain(usual.iter());
            all.copied().find(|(word, _)| command.starts_with(word)).unwrap().1
        };
        let mut said = answer(&line);
        if line.starts_with("DATA") && said.starts_with("354") {
            say(&mut stream, said).await;
            let message = message(&mut stream).await;
            said = if message.contains("..dotted") { answer("END dotted") } else { answer("END") };
        }
        if said == HANG_UP {
            return;
        }
        say(&mut stream, said).await;
        if line.starts_with("STARTTLS")
            && let Some(tls) = &tls
        {
            let Ok(wrapped) = tls.accept(stream.into_inner()).await else { return };
            stream = BufStream::new(Box::new(wrapped));
        }
    }
}

async fn say(stream: &mut Talk, line: &str) {
    stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

async fn message(stream: &mut Talk) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n.\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

fn relay(port: u16, security: Security) -> SmtpRelay {
    let ca_file = None;
    SmtpRelay {
        name: "relay".into(),
        host: "127.0.0.1".into(),
        port,
        security,
        user: None,
        password: None,
        ca_file,
    }
}

fn granted(relay: SmtpRelay) -> Job {
    let grants = Grants { smtp: vec!["relay".into()], ..Grants::default() };
    job(Services { smtp: vec![relay], ..Services::default() }, grants)
}

async fn send(job: &mut Job, message: &str) -> Result<String, Failure> {
    let to = vec!["jane@example.com".into()];
    job.send("relay".into(), "billing@firm.example".into(), to, message.into()).await.unwrap()
}

const MAIL: &str = "Subject: x\r\n\r\nhello\r\n";

#[tokio::test]
async fn messages_go_out_on_one_connection() {
    let server = serve(&[("END dotted", "250 dots kept")]).await;
    let mut job = granted(relay(server.port, Security::None));
    assert_eq!(send(&mut job, MAIL).await.unwrap(), "250 2.0.0 queued as 42");
    assert_eq!(send(&mut job, "Subject: x\r\n\r\n.dotted\r\n").await.unwrap(), "250 dots kept");
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
    assert!(job.ledger.touched());
}

#[tokio::test]
async fn each_answer_has_its_class() {
    use FailureClass::{Denied, Invalid, Unavailable, UnknownOutcome};
    type Case = (&'static [(&'static str, &'static str)], FailureClass, &'static str, &'static str);
    let cases: [Case; 10] = [
        (&[("RCPT", "550 no such user")], Invalid, "smtp-rejected", "no such user"),
        (&[("RCPT", "450 greylisted")], Unavailable, "smtp-deferred", "greylisted"),
        (&[("MAIL", "452 full")], Unavailable, "smtp-deferred", "full"),
        (&[("END", "554 spam")], Invalid, "smtp-rejected", "spam"),
        (&[("END", "451 later")], Unavailable, "smtp-deferred", "later"),
        (&[("EHLO", HANG_UP)], Unavailable, "smtp-unreached", "127.0.0.1"),
        (&[("MAIL", HANG_UP)], Unavailable, "smtp-unreached", "127.0.0.1"),
        (&[("DATA", HANG_UP)], Unavailable, "smtp-unreached", "127.0.0.1"),
        (&[("END", HANG_UP)], UnknownOutcome, "smtp-lost", "while it took the message"),
        (&[("AUTH", "535 wrong")], Denied, "smtp-auth", "user and password"),
    ];
    for (script, class, code, words) in cases {
        let server = serve(script).await;
        let mut relay = relay(server.port, Security::None);
        if code == "smtp-auth" {
            (relay.user, relay.password) = (Some("u".into()), Some("p4ssw0rd".to_owned().into()));
        }
        let mut job = granted(relay);
        let failure = send(&mut job, MAIL).await.unwrap_err();
        is(&failure, class, code);
        assert!(failure.message.contains(words) && !failure.message.contains("p4ssw0rd"), "{failure:?}");
        assert_eq!(job.ledger.touched(), class == UnknownOutcome, "{script:?}");
    }
}

#[tokio::test]
async fn a_relay_without_starttls_gets_nothing() {
    let server = serve(&[("MAIL", "550 this was sent in the clear")]).await;
    let mut job = granted(relay(server.port, Security::Starttls));
    let failure = send(&mut job, MAIL).await.unwrap_err();
    is(&failure, FailureClass::Unavailable, "smtp-unreached");
    assert!(failure.message.contains("does not offer STARTTLS"), "{failure:?}");
}

#[tokio::test]
async fn what_is_wrong_with_the_message_itself() {
    let server = serve(&[("EHLO", "250 test")]).await;
    let mut job = granted(relay(server.port, Security::None));
    is(&send(&mut job, "Subject: é\r\n\r\n").await.unwrap_err(), FailureClass::Invalid, "smtp-rejected");
    let mut to = |recipients: Vec<String>| {
        let sent = job.send("relay".into(), "billing@firm.example".into(), recipients, MAIL.into());
        futures_util::FutureExt::now_or_never(sent).unwrap().unwrap().unwrap_err()
    };
    is(&to(vec![]), FailureClass::Invalid, "bad-recipients");
    is(&to(vec!["jane@example.com>\r\nRCPT TO:<x@y.z".into()]), FailureClass::Invalid, "bad-address");
    let other = job.send("other".into(), "a@b.example".into(), vec![], vec![]).await.unwrap();
    is(&other.unwrap_err(), FailureClass::Denied, "grant-missing");
}

/// A certificate of this test's own, as a server uses it and as a file.
fn certificate(folder: &Path) -> (TlsAcceptor, PathBuf) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let file = folder.join("ca.pem");
    fs_err::write(&file, made.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), file)
}

#[tokio::test]
async fn a_protected_relay_is_trusted_by_its_certificate_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (acceptor, ca_file) = certificate(folder.path());
    let stranger = tempfile::tempdir().unwrap();
    let (_, other_ca) = certificate(stranger.path());
    for security in [Security::Tls, Security::Starttls] {
        let offers = &[("EHLO", "250-test\r\n250 STARTTLS"), ("STARTTLS", "220 go")];
        let server = serve_with(offers, Some(acceptor.clone()), security).await;
        let trusting = SmtpRelay { ca_file: Some(ca_file.clone()), ..relay(server.port, security) };
        let answer = send(&mut granted(trusting), MAIL).await;
        assert_eq!(answer.unwrap(), "250 2.0.0 queued as 42", "{security:?}");
        let wary = SmtpRelay { ca_file: Some(other_ca.clone()), ..relay(server.port, security) };
        let failure = send(&mut granted(wary), MAIL).await.unwrap_err();
        is(&failure, FailureClass::Unavailable, "smtp-unreached");
    }
}
