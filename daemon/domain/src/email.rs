//! What counts as an e-mail address and a name that may stand in a mail's header. Internationalised addresses are good;
//! anything that could end a header line is not.

/// RFC 5321's longest path, and room for a name.
pub const ADDRESS_MAX_BYTES: usize = 254;
pub const NAME_MAX_BYTES: usize = 200;
/// Addresses that one payer may have in one cell; each gets the mail.
pub const ADDRESSES_MAX: usize = 5;
const BETWEEN_ADDRESSES: [char; 3] = [',', ';', '\n'];

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
    #[error("is one of more than 5 in this cell: leave 5")]
    TooMany,
}

/// Checks one address, as `local@domain`.
pub fn check_address(address: &str) -> Result<(), AddressError> {
    if address.is_empty() {
        return Err(AddressError::Empty);
    }
    if address.len() > ADDRESS_MAX_BYTES {
        return Err(AddressError::TooLong);
    }
    let special = |c: char| matches!(c, ',' | ';' | ':' | '<' | '>' | '(' | ')' | '[' | ']' | '"' | '\\');
    let odd = |c: char| special(c) || c.is_whitespace() || c.is_control();
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

/// The addresses of a cell, each once: people write several, with a comma, a semicolon or a line break between them.
pub fn addresses(cell: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for address in cell.split(BETWEEN_ADDRESSES).map(str::trim).filter(|address| !address.is_empty()) {
        if !found.iter().any(|known| known.eq_ignore_ascii_case(address)) {
            found.push(address);
        }
    }
    found
}

/// Checks every address of a cell; the error is the first one's.
pub fn check_addresses(cell: &str) -> Result<(), AddressError> {
    if !cell.contains(BETWEEN_ADDRESSES) {
        return check_address(cell);
    }
    match addresses(cell).as_slice() {
        [] => Err(AddressError::NoAt),
        found if found.len() > ADDRESSES_MAX => Err(AddressError::TooMany),
        found => found.iter().try_for_each(|address| check_address(address)),
    }
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
    fn one_address() {
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
    fn several_addresses_in_one_cell() {
        assert_eq!(addresses("a@b.com; C@d.com,\n c@D.com ;"), ["a@b.com", "C@d.com"]);
        assert_eq!(check_addresses("a@b.com; c@d.com"), Ok(()));
        assert_eq!(check_addresses("a@b.com; c@d"), Err(AddressError::BadDomain));
        assert_eq!(check_addresses("a@b.com c@d.com"), Err(AddressError::BadCharacter));
        assert_eq!(check_addresses(" ; "), Err(AddressError::NoAt));
        assert_eq!(check_addresses(""), Err(AddressError::Empty));
        let many = (0..6).map(|n| format!("a{n}@b.com")).collect::<Vec<_>>().join(";");
        assert_eq!(check_addresses(&many), Err(AddressError::TooMany));
    }

    #[test]
    fn names() {
        assert!(is_header_safe("Łukasz Ödön & Söhne"));
        assert!(!is_header_safe("Jane\r\nBcc: x"));
    }
}
