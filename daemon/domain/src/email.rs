//! What counts as an e-mail address and a name that may stand in a mail's header. Internationalised addresses are good;
//! anything that could end a header line is not.

/// RFC 5321's longest path, and room for a name.
pub const ADDRESS_MAX_BYTES: usize = 254;
pub const NAME_MAX_BYTES: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("is empty")]
    Empty,
    #[error("has no @ between a name and a domain, as in jane@example.com")]
    NoAt,
    #[error("has a space, a comma or a control character in it: give one address")]
    BadCharacter,
    #[error("has a domain without a dot, or with an empty part")]
    BadDomain,
    #[error("is longer than 254 bytes")]
    TooLong,
}

/// Checks one address, as `local@domain`.
pub fn check_address(address: &str) -> Result<(), AddressError> {
    if address.is_empty() {
        return Err(AddressError::Empty);
    }
    if address.len() > ADDRESS_MAX_BYTES {
        return Err(AddressError::TooLong);
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || ",;:<>()[]\"\\".contains(c);
    if address.chars().any(odd) {
        return Err(AddressError::BadCharacter);
    }
    let (local, domain) = address.rsplit_once('@').ok_or(AddressError::NoAt)?;
    if local.is_empty() || local.contains('@') || local.starts_with('.') || local.ends_with('.') {
        return Err(AddressError::NoAt);
    }
    let part_ok = |part: &str| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-');
    if !domain.contains('.') || !domain.split('.').all(part_ok) {
        return Err(AddressError::BadDomain);
    }
    Ok(())
}

/// Whether a name can stand in a header as it is.
pub fn is_header_safe(name: &str) -> bool {
    name.len() <= NAME_MAX_BYTES && !name.chars().any(char::is_control)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["jane@example.com", "stanisław.wójcik@wp.pl", "a+b@sub.example.co", "o'neil@example.com"]
        {
            assert_eq!(check_address(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", AddressError::Empty),
            ("jane", AddressError::NoAt),
            ("@example.com", AddressError::NoAt),
            ("jane@example", AddressError::BadDomain),
            ("jane@example..com", AddressError::BadDomain),
            ("a@b.com, c@d.com", AddressError::BadCharacter),
            ("a@b.com\r\nBcc: x@y.z", AddressError::BadCharacter),
            ("jane@-example.com", AddressError::BadDomain),
        ] {
            assert_eq!(check_address(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn names() {
        assert!(is_header_safe("Łukasz Ödön & Söhne"));
        assert!(!is_header_safe("Jane\r\nBcc: x"));
    }
}
