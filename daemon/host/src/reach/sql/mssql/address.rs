//! `mssql://user:password@host:port/database?encrypt=…&ca=…`: where a SQL Server is, whom to be there, and how its certificate is
//! checked. A password never goes out without TLS, unless the server is on this machine and the operator said so.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use secrecy::SecretString;
use std::net::IpAddr;
use std::sync::Arc;

const PORT: u16 = 1433;

pub(super) struct Address {
    pub host: String,
    pub port: u16,
    pub database: Option<String>,
    pub user: String,
    pub password: SecretString,
    pub way: Way,
}

/// How the bytes go.
pub(super) enum Way {
    Secured(Arc<ClientConfig>, ServerName<'static>),
    /// To this machine only.
    Plain,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Address, String> {
        let url = reqwest::Url::parse(text).map_err(|error| error.to_string())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it names no host")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let decode = |part: &str| decoded(part).ok_or("its % are no code of a character");
        let user = decode(url.username())?;
        if user.is_empty() {
            return Err("it names no user: only SQL Server's own logins are known".to_owned());
        }
        let (mut plain, mut ca) = (false, None);
        for (name, value) in url.query_pairs() {
            match (name.as_ref(), value.as_ref()) {
                ("encrypt", "required") => plain = false,
                ("encrypt", "off") => plain = true,
                ("ca", file) => ca = Some(file.to_owned()),
                _ => {
                    return Err(
                        "its options can be encrypt=required, encrypt=off and ca=FILE, and no others"
                            .to_owned(),
                    );
                }
            }
        }
        let database = Some(decode(url.path().trim_start_matches('/'))?).filter(|name| !name.is_empty());
        let password = SecretString::from(decode(url.password().unwrap_or_default())?);
        let way = if plain { unencrypted(&host)? } else { secured(&host, ca.as_deref())? };
        Ok(Address { port: url.port().unwrap_or(PORT), host, database, user, password, way })
    }
}

fn unencrypted(host: &str) -> Result<Way, String> {
    // An address, not a name: what `localhost` is, another may say.
    if host.parse().is_ok_and(|address: IpAddr| address.is_loopback()) {
        return Ok(Way::Plain);
    }
    Err("encrypt=off is for a server on this machine, at 127.0.0.1: elsewhere its password would be read"
        .to_owned())
}

/// TLS 1.2: what SQL Server speaks within its own packets. TLS 1.3 is only in the newest servers' other way.
fn secured(host: &str, ca: Option<&str>) -> Result<Way, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(file) => {
            let pem = fs_err::read(file).map_err(|error| error.to_string())?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|error| format!("{file}: {error}"))?;
                roots.add(certificate).map_err(|error| format!("{file}: {error}"))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS12]);
    let config = config.map_err(|error| error.to_string())?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(Way::Secured(Arc::new(config), name))
}

fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut one = [0];
        hex::decode_to_slice([rest.next()?, rest.next()?], &mut one).ok()?;
        bytes.extend(one);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn where_and_who() {
        let address = Address::parse("mssql://remitd:s%3Aa%40me@db.example.com/elite").unwrap();
        assert_eq!(
            (address.host.as_str(), address.port, address.user.as_str()),
            ("db.example.com", 1433, "remitd")
        );
        assert_eq!(address.database.as_deref(), Some("elite"));
        assert_eq!(address.password.expose_secret(), "s:a@me");
        assert!(matches!(address.way, Way::Secured(..)));
        assert!(matches!(Address::parse("mssql://u@127.0.0.1:9/?encrypt=off").unwrap().way, Way::Plain));
    }

    #[test]
    fn a_password_never_goes_out_in_the_open() {
        for (url, part) in [
            ("mssql://u@db/x?encrypt=off", "127.0.0.1"),
            ("mssql://u@localhost/x?encrypt=off", "127.0.0.1"),
            ("mssql://u@10.0.0.1/x?encrypt=off", "127.0.0.1"),
            ("mssql://u@db/x?encrypt=maybe", "and no others"),
            ("mssql://u@db/x?trustservercertificate=true", "and no others"),
            ("mssql://u@db/x?ca=nowhere.pem", "nowhere.pem"),
            ("mssql://db/x", "names no user"),
        ] {
            let Err(error) = Address::parse(url) else { panic!("{url}") };
            assert!(error.contains(part), "{url}: {error}");
        }
    }
}
