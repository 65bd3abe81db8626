//! Secrets: where each is kept, and how it is fetched. A secret is never written in the configuration, never readable by
//! everyone on the machine, and never printed: `Debug` and `Serialize` show its place alone.

use secrecy::SecretString;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A key or a password; what is longer is the wrong file.
const SECRET_MAX_BYTES: u64 = 64 * 1024;

/// What stands where a secret is due; other modules know a secret in place by it.
pub const FORM: &str = "a secret as {file = \"…\"}, {env = \"…\"} or {credential = \"…\"}";

/// The keys of a secret's table.
pub const PLACES: &[&str] = &["file", "env", "credential"];

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kept {
    File(PathBuf),
    Env(String),
    Credential(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Secret(Kept);

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the secret cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("{0} can be read by everyone on this machine")]
    WorldReadable(PathBuf),
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    #[error("there is no credentials folder: CREDENTIALS_DIRECTORY is not set")]
    NoCredentials,
    #[error("the credential's name {0:?} is not a plain file name")]
    BadName(String),
    #[error("the secret is empty")]
    Empty,
    #[error("the secret is longer than {SECRET_MAX_BYTES} bytes, or is not text")]
    NotASecret,
}

impl Secret {
    /// The secret without the line break at its end. Relative files start at `base`.
    pub fn read(&self, base: &Path) -> Result<SecretString, SecretError> {
        self.read_with(base, &|name| std::env::var(name).ok())
    }

    pub(super) fn read_with(
        &self,
        base: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SecretString, SecretError> {
        let text = match &self.0 {
            Kept::File(path) => read_file(&base.join(path))?,
            Kept::Env(name) => env(name).ok_or_else(|| SecretError::NotSet(name.clone()))?,
            Kept::Credential(name) => {
                let folder = env("CREDENTIALS_DIRECTORY").ok_or(SecretError::NoCredentials)?;
                if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
                    return Err(SecretError::BadName(name.clone()));
                }
                read_file(&Path::new(&folder).join(name))?
            }
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() { Err(SecretError::Empty) } else { Ok(SecretString::from(text)) }
    }
}

fn read_file(path: &Path) -> Result<String, SecretError> {
    let file = fs_err::File::open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Asked of the open file, so that it cannot be changed for another between the look and the read.
        if file.metadata()?.permissions().mode() & 0o004 != 0 {
            return Err(SecretError::WorldReadable(path.to_owned()));
        }
    }
    let mut text = String::new();
    let read = file.take(SECRET_MAX_BYTES + 1).read_to_string(&mut text);
    match read {
        Ok(bytes) if u64::try_from(bytes).is_ok_and(|bytes| bytes <= SECRET_MAX_BYTES) => Ok(text),
        Err(error) if error.kind() != std::io::ErrorKind::InvalidData => Err(error.into()),
        _ => Err(SecretError::NotASecret),
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORM)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let Some((place, name)) = map.next_entry::<String, String>()? else {
            return Err(A::Error::invalid_value(Unexpected::Other("an empty table"), &self));
        };
        let kept = match place.as_str() {
            "file" => Kept::File(name.into()),
            "env" => Kept::Env(name),
            "credential" => Kept::Credential(name),
            other => return Err(A::Error::unknown_field(other, PLACES)),
        };
        match map.next_key::<String>()? {
            Some(other) if PLACES.contains(&other.as_str()) => {
                Err(A::Error::invalid_value(Unexpected::Other("two places"), &self))
            }
            Some(other) => Err(A::Error::unknown_field(&other, PLACES)),
            None => Ok(Secret(kept)),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

/// A database's address: in the open where it holds no password, else a secret as a whole.
#[derive(Clone, PartialEq, Eq)]
pub enum Dsn {
    Plain(String),
    Secret(Secret),
}

impl Dsn {
    pub fn read(&self, base: &Path) -> Result<SecretString, SecretError> {
        match self {
            Dsn::Plain(url) => Ok(SecretString::from(url.as_str())),
            Dsn::Secret(secret) => secret.read(base),
        }
    }

    /// Whether the address, in the open, has a password in it.
    pub fn shows_password(&self) -> bool {
        match self {
            Dsn::Plain(url) => without_password(url) != *url,
            Dsn::Secret(_) => false,
        }
    }
}

impl Default for Dsn {
    fn default() -> Dsn {
        Dsn::Plain(String::new())
    }
}

/// Hides what is between the user's colon and the last `@` before the path, and all from a `password=` on, or ODBC's `PWD=`.
fn without_password(url: &str) -> String {
    let hidden = |url: &str| -> Option<String> {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at_checked(end)?;
        let (user, host) = authority.rsplit_once('@')?;
        let (user, _) = user.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}{tail}"))
    };
    let lower = url.to_ascii_lowercase();
    let ends = |key: &str| lower.find(key).map(|at| at + key.len());
    match ["password=", "pwd="].into_iter().filter_map(ends).min().and_then(|end| url.get(..end)) {
        Some(before) => format!("{before}***"),
        None => hidden(url).unwrap_or_else(|| url.to_owned()),
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dsn::Plain(url) => f.write_str(&without_password(url)),
            Dsn::Secret(secret) => secret.fmt(f),
        }
    }
}

impl Serialize for Dsn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Dsn::Plain(url) => serializer.serialize_str(&without_password(url)),
            Dsn::Secret(secret) => secret.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Dsn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dsn, D::Error> {
        struct DsnVisitor;
        impl<'de> Visitor<'de> for DsnVisitor {
            type Value = Dsn;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a database's address, or {FORM}")
            }
            fn visit_str<E: Error>(self, url: &str) -> Result<Dsn, E> {
                Ok(Dsn::Plain(url.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Dsn, A::Error> {
                SecretVisitor.visit_map(map).map(Dsn::Secret)
            }
        }
        deserializer.deserialize_any(DsnVisitor)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn read(json: &str, base: &Path) -> Result<String, String> {
        let secret: Secret = serde_json::from_str(json).unwrap();
        let folder = base.display().to_string();
        let env = |name: &str| match name {
            "MAIL_KEY" => Some("from env".to_owned()),
            "CREDENTIALS_DIRECTORY" => Some(folder.clone()),
            _ => None,
        };
        secret
            .read_with(base, &env)
            .map(|text| text.expose_secret().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn three_places() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("key");
        fs_err::write(&at, "s3cret\r\n").unwrap();
        let mode = |mode: u32| {
            use std::os::unix::fs::PermissionsExt;
            fs_err::set_permissions(&at, PermissionsExt::from_mode(mode)).unwrap();
        };
        mode(0o640);
        assert_eq!(read(r#"{"file":"key"}"#, folder.path()).unwrap(), "s3cret");
        assert_eq!(read(r#"{"credential":"key"}"#, folder.path()).unwrap(), "s3cret");
        assert_eq!(read(r#"{"env":"MAIL_KEY"}"#, folder.path()).unwrap(), "from env");
        mode(0o644);
        assert!(read(r#"{"file":"key"}"#, folder.path()).unwrap_err().contains("by everyone"));
        mode(0o600);
        fs_err::write(&at, "\n").unwrap();
        assert_eq!(read(r#"{"file":"key"}"#, folder.path()).unwrap_err(), "the secret is empty");
        fs_err::write(&at, "x".repeat(64 * 1024 + 1)).unwrap();
        assert!(read(r#"{"file":"key"}"#, folder.path()).unwrap_err().contains("longer than"));
        assert!(read(r#"{"file":"none"}"#, folder.path()).unwrap_err().contains("none"));
        assert!(read(r#"{"env":"NONE"}"#, folder.path()).unwrap_err().contains("NONE is not set"));
        assert!(read(r#"{"credential":"../key"}"#, folder.path()).unwrap_err().contains("plain file name"));
    }

    #[test]
    fn an_address_never_shows_its_password() {
        let check = |url: &str, shown: &str| {
            let dsn = Dsn::Plain(url.to_owned());
            assert_eq!(format!("{dsn:?}"), shown);
            assert_eq!(serde_json::to_value(&dsn).unwrap(), shown);
            assert_eq!(dsn.shows_password(), url != shown);
        };
        check("sqlite:data/remitd.sqlite", "sqlite:data/remitd.sqlite");
        check("postgres://remitd@db/remitd", "postgres://remitd@db/remitd");
        check("postgres://remitd:h@nter2@db/remitd", "postgres://remitd:***@db/remitd");
        check("postgres://db/remitd?password=hunter2", "postgres://db/remitd?password=***");
        check("odbc:DSN=elite;UID=remitd", "odbc:DSN=elite;UID=remitd");
        check("odbc:DSN=elite;UID=remitd;Pwd={hunter2;}", "odbc:DSN=elite;UID=remitd;Pwd=***");
    }

    #[test]
    fn only_one_known_place() {
        for (json, part) in [
            (r#"{"file":"a","env":"b"}"#, "two places"),
            (r#"{"fil":"a"}"#, "unknown field `fil`"),
            ("{}", "an empty table"),
            (r#""hunter2""#, "expected a secret as"),
        ] {
            let error = serde_json::from_str::<Secret>(json).unwrap_err().to_string();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
