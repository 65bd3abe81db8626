//! Mail to relays that the daemon knows by name. The conversation is held command by command, so that it is known for certain
//! whether the message had been handed over when it broke: before DATA's text nothing was sent, from then on it may have been.

use crate::error::HostError;
use crate::wit::types::Failure;
use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// For one message, from the connection to the last answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MESSAGE_MAX_BYTES: usize = 25 << 20;
const RECIPIENTS_MOST: usize = 100;
/// Of what is no address, so much is shown.
const ADDRESS_SHOWN_BYTES: usize = 100;
/// Connections of one relay kept open, and for how long.
const IDLE_MOST: usize = 4;
const IDLE_AGE: Duration = Duration::from_secs(30);

/// How the connection is protected. `Starttls` is required, not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    Starttls,
    Tls,
    None,
}

/// One mail server.
pub struct SmtpRelay {
    pub name: String,
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    /// PEM; trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
}

pub(crate) struct Relay {
    spec: SmtpRelay,
    tls: Option<TlsParameters>,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

/// What goes to the relay, checked.
pub(crate) struct Envelope<'a> {
    sender: Address,
    recipients: Vec<Address>,
    message: &'a [u8],
    non_ascii: bool,
}

impl<'a> Envelope<'a> {
    pub(crate) fn check(sender: &str, recipients: &[String], message: &'a [u8]) -> Result<Self, Failure> {
        if recipients.is_empty() || recipients.len() > RECIPIENTS_MOST {
            return Err(Failure::invalid(
                "bad-recipients",
                "a message goes to one recipient at least, 100 at most",
            ));
        }
        if message.len() > MESSAGE_MAX_BYTES {
            return Err(Failure::invalid("message-too-large", "the message is larger than 25 MiB"));
        }
        let address = |text: &str| {
            let shown = text.get(..text.floor_char_boundary(ADDRESS_SHOWN_BYTES)).unwrap_or_default();
            let bad = |_| Failure::invalid("bad-address", format!("{shown:?} is not a mail address"));
            text.parse::<Address>().map_err(bad)
        };
        let sender = address(sender)?;
        let recipients = recipients.iter().map(|one| address(one)).collect::<Result<Vec<_>, _>>()?;
        let non_ascii = recipients.iter().chain([&sender]).any(|one| !AsRef::<str>::as_ref(one).is_ascii());
        // The end of DATA brings its own line break.
        let message = message.strip_suffix(b"\r\n").unwrap_or(message);
        Ok(Envelope { sender, recipients, message, non_ascii })
    }
}

impl Relay {
    pub(crate) fn open(spec: SmtpRelay) -> Result<(String, Arc<Relay>), HostError> {
        let tls = match spec.security {
            Security::None => None,
            Security::Starttls | Security::Tls => Some(tls_of(&spec)?),
        };
        Ok((spec.name.clone(), Arc::new(Relay { spec, tls, idle: Mutex::default() })))
    }

    /// Sends one message; gives the server's last answer.
    pub(crate) async fn send(&self, envelope: &Envelope<'_>, deadline: Instant) -> Result<String, Failure> {
        let opening = timeout_at(deadline, async {
            let mut connection = self.connection().await?;
            self.announce(&mut connection, envelope).await?;
            Ok::<_, Failure>(connection)
        });
        let mut connection =
            opening.await.unwrap_or_else(|_| Err(self.unreached("it did not answer in time")))?;
        match timeout_at(deadline, connection.message(envelope.message)).await {
            Ok(Ok(response)) => {
                self.keep(connection);
                let lines: Vec<&str> = response.message().collect();
                Ok(self.without_password(format!("{} {}", response.code(), lines.join(" "))))
            }
            Ok(Err(error)) if error.status().is_some() => Err(self.refused(&error, "the message")),
            Ok(Err(error)) => Err(self.lost(&error.to_string())),
            Err(_) => Err(self.lost("it did not answer in time")),
        }
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, Failure> {
        while let Some(mut connection) = self.kept() {
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
        self.connect().await
    }

    fn kept(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE_AGE);
        idle.pop().map(|(connection, _)| connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !connection.has_broken() && idle.len() < IDLE_MOST {
            idle.push((connection, Instant::now()));
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let SmtpRelay { host, port, security, user, password, .. } = &self.spec;
        let hello = ClientId::default();
        let direct = if *security == Security::Tls { self.tls.clone() } else { None };
        let address = (host.as_str(), *port);
        let connected =
            AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_TIMEOUT), &hello, direct, None).await;
        let mut connection = connected.map_err(|error| self.before_data(&error, "the greeting"))?;
        if let (Security::Starttls, Some(tls)) = (*security, &self.tls) {
            if !connection.can_starttls() {
                connection.abort().await;
                return Err(
                    self.unreached("it does not offer STARTTLS, which security = \"starttls\" requires")
                );
            }
            let upgraded = connection.starttls(tls.clone(), &hello).await;
            upgraded.map_err(|error| self.before_data(&error, "STARTTLS"))?;
        }
        if let Some(user) = user {
            let password = password.as_ref().map_or("", |secret| secret.expose_secret());
            let credentials = Credentials::new(user.clone(), password.to_owned());
            let signed_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            signed_in.map_err(|error| self.unauthenticated(&error))?;
        }
        Ok(connection)
    }

    /// Everything up to the moment before the message's text.
    async fn announce(
        &self,
        connection: &mut AsyncSmtpConnection,
        envelope: &Envelope<'_>,
    ) -> Result<(), Failure> {
        let mut options = Vec::new();
        let offers = |extension| connection.server_info().supports_feature(extension);
        let needs = [
            (envelope.non_ascii, Extension::SmtpUtfEight, MailParameter::SmtpUtfEight),
            (
                !envelope.message.is_ascii(),
                Extension::EightBitMime,
                MailParameter::Body(MailBodyParameter::EightBitMime),
            ),
        ];
        for (needed, extension, option) in needs {
            if needed && !offers(extension) {
                let name = &self.spec.name;
                let message =
                    format!("mail server \"{name}\" does not take this message: it lacks {extension}");
                return Err(Failure::invalid("smtp-rejected", message));
            }
            if needed {
                options.push(option);
            }
        }
        let from = connection.command(Mail::new(Some(envelope.sender.clone()), options)).await;
        from.map_err(|error| self.before_data(&error, "the sender"))?;
        for recipient in &envelope.recipients {
            let to = connection.command(Rcpt::new(recipient.clone(), Vec::new())).await;
            to.map_err(|error| self.before_data(&error, &format!("the recipient {recipient}")))?;
        }
        let data = connection.command(Data).await;
        data.map_err(|error| self.before_data(&error, "the message")).map(drop)
    }

    fn before_data(&self, error: &SmtpError, what: &str) -> Failure {
        if error.status().is_some() { self.refused(error, what) } else { self.unreached(&chain(error)) }
    }

    /// The server answered: 4xx may pass, 5xx will not.
    fn refused(&self, error: &SmtpError, what: &str) -> Failure {
        let message = format!("mail server \"{}\" refused {what}: {}", self.spec.name, chain(error));
        let message = self.without_password(message);
        if error.is_permanent() {
            Failure::invalid("smtp-rejected", message)
        } else {
            Failure::unavailable("smtp-deferred", message)
        }
    }

    /// A wrong password is the operator's matter, not the message's.
    fn unauthenticated(&self, error: &SmtpError) -> Failure {
        if error.is_permanent() || error.is_client() {
            let name = &self.spec.name;
            let message = format!("mail server \"{name}\" refused user and password: {}", chain(error));
            return Failure::denied("smtp-auth", self.without_password(message));
        }
        self.before_data(error, "signing in")
    }

    /// Some servers repeat what they refuse.
    fn without_password(&self, text: String) -> String {
        match self.spec.password.as_ref().map(ExposeSecret::expose_secret) {
            Some(password) if !password.is_empty() => text.replace(password, "[password]"),
            _ => text,
        }
    }

    fn unreached(&self, why: &str) -> Failure {
        let SmtpRelay { name, host, port, .. } = &self.spec;
        Failure::unavailable("smtp-unreached", format!("mail server \"{name}\" ({host}:{port}): {why}"))
    }

    fn lost(&self, why: &str) -> Failure {
        let name = &self.spec.name;
        let message =
            format!("the connection to mail server \"{name}\" was lost while it took the message: {why}");
        Failure::unknown("smtp-lost", message)
    }
}

/// An error with its causes: lettre's own text stops at the first.
fn chain(error: &SmtpError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

fn tls_of(spec: &SmtpRelay) -> Result<TlsParameters, HostError> {
    let bad = |reason: String| HostError::Service { what: "mail server", name: spec.name.clone(), reason };
    let mut tls = TlsParameters::builder(spec.host.clone());
    if let Some(path) = &spec.ca_file {
        let pem = fs_err::read(path).map_err(|error| bad(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| bad(chain(&error)))?;
        tls = tls.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    tls.build_rustls().map_err(|error| bad(chain(&error)))
}
