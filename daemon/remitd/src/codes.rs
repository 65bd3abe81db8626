//! The codes of findings and errors, with the words of `remitd explain CODE`. Owns the table; each crate owns the codes that
//! it gives out, and a test sees to it that all are here. A code, once shipped, keeps its meaning.

mod import;
mod reconcile;

use serde::Serialize;
use std::fmt;

/// What a code means and how the thing is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Code {
    pub code: &'static str,
    pub title: &'static str,
    pub cause: &'static str,
    pub mend: &'static str,
}

/// Takes `REMIT-0102`, `remit-0102`, `0102` and `102`.
pub fn find(code: &str) -> Option<&'static Code> {
    let number = code.trim().to_ascii_uppercase();
    let number = format!("{:0>4}", number.strip_prefix("REMIT-").unwrap_or(&number));
    all().find(|known| known.code.strip_prefix("REMIT-") == Some(number.as_str()))
}

/// How a thing with this code is mended.
pub fn mend(code: &str) -> Option<&'static str> {
    // As it is given out: a plugin's own code is its author's to explain, whatever it looks like.
    all().find(|known| known.code == code).map(|known| known.mend)
}

fn all() -> impl Iterator<Item = &'static Code> {
    CODES.iter().chain(import::CODES).chain(reconcile::CODES)
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}\n\n{}\n\nMend: {}", self.code, self.title, self.cause, self.mend)
    }
}

const fn code(code: &'static str, title: &'static str, cause: &'static str, mend: &'static str) -> Code {
    Code { code, title, cause, mend }
}

/// By number: 01xx configuration, 03xx the road's own faults, 04xx what is refused; 02xx, what is wrong with files, are [`import::CODES`], and what a
/// comparison finds [`reconcile::CODES`].
#[rustfmt::skip]
pub const CODES: &[Code] = &[
    code("REMIT-0100", "The configuration cannot be read",
        "The file is not there, is not text, is longer than 1 MiB, or the user that runs remitd may not read it.",
        "Name another file with -c FILE or REMITD_CONFIG, make one with `remitd init DIR`, or give the daemon's user the right to read it."),
    code("REMIT-0101", "The file is not TOML",
        "A quote or a bracket is open, a key stands twice in a table, or a value is written in a way that TOML does not know.",
        "Look at the line and column of the message. Texts stand in double quotes, lists in [ ], tables in { } or under a [head]."),
    code("REMIT-0102", "There is no such key",
        "A key or table is written that remitd does not know: mistyped, in the wrong table, or of another version.",
        "Take the name that the hint gives. config/remitd.toml shows every key with its default."),
    code("REMIT-0103", "The value is of the wrong type",
        "A text stands where a number is due, a number where a text is due, and so on.",
        "Texts stand in quotes, numbers and true or false do not, lists stand in [ ]."),
    code("REMIT-0104", "The value does not fit",
        "The value has the right type, but not one of the forms or choices that the key takes.",
        "The hint shows the choices, or the form with an example."),
    code("REMIT-0105", "A required key is missing",
        "The table cannot be used without this key, and there is no default that could be right.",
        "Add the key as the hint shows."),
    code("REMIT-0106", "The name refers to nothing",
        "A key names an account, a plugin, a connection or a secret that is not in the configuration.",
        "Take the name that the hint gives, or add the table that is referred to."),
    code("REMIT-0107", "The same id twice",
        "Two tables of one kind have the same id, perhaps in two files of conf.d, which are read together.",
        "Give each its own id, or delete one."),
    code("REMIT-0108", "A secret stands in the configuration",
        "A password or a key is written out. Configurations are copied, mailed and kept in version control.",
        "Put the secret into a file that only the daemon's user can read, and write { file = \"…\" }; or { env = \"…\" } or { credential = \"…\" }. Then change the secret: it may have been seen."),
    code("REMIT-0109", "A secret cannot be used",
        "The file, environment variable or systemd credential is not there, is empty, is no text, or is too short for its use.",
        "Put the secret where the message looks for it. A key that signs links has at least 32 characters: `openssl rand -hex 32` makes one."),
    code("REMIT-0110", "Everyone on the machine can read a secret",
        "The file's mode lets users read it who have nothing to do with remitd.",
        "chmod 600 FILE, with the daemon's user as its owner. Then think about whether the secret must be changed."),
    code("REMIT-0111", "Watched folders lie in each other",
        "Two [[folder]] tables watch the same path, or one watches a folder inside the other's: a file would be taken twice.",
        "Put the folders side by side."),
    code("REMIT-0112", "Writing without reading",
        "A plugin's grants.sql_write names a connection that its grants.sql does not.",
        "Name the connection in both."),
    code("REMIT-0113", "The schedule cannot be read",
        "A schedule has five fields: minute, hour, day of month, month, day of week. A day of month and a day of week together would mean \"either\", and a day such as 31 February never comes.",
        "Write five fields, such as \"30 6 * * 1-5\" for half past six on working days."),
    code("REMIT-0114", "The environment cannot set this key",
        "Variables are named REMITD__SECTION__KEY. Tables that come several times, such as [[account]], have no names there.",
        "Write the table into a file of its own in conf.d."),
    code("REMIT-0115", "The console is open to the network without TLS",
        "server.staff_listen is not an address of this machine alone, and remitd speaks plain HTTP there.",
        "Listen on 127.0.0.1, and put a proxy with TLS in front."),
    code("REMIT-0116", "Links without TLS",
        "server.public_url begins with http:// and is not an address of this machine.",
        "Put a proxy with TLS in front of the public listener, and write https:// in public_url."),
    code("REMIT-0117", "Two listeners on one address",
        "public_listen, staff_listen and sandbox_listen each need an address of their own.",
        "Give each its own port."),
    code("REMIT-0118", "A file or folder is not there",
        "The configuration names a file or folder that does not exist. Relative paths start at the configuration's folder.",
        "Put it there, or write another path."),
    code("REMIT-0119", "The plugin cannot be used",
        "The file is no component of this contract: cut short, built for another world or version, or it imports what no plugin is given.",
        "Take the author's build again, or have it built against plugin-sdk/wit/v1; the message names the import or the place."),
    code("REMIT-0120", "A plugin's setting does not fit",
        "Each plugin gives a schema of its settings. A key is misspelt, missing, or its value is not what the schema asks for.",
        "Mend the key at the place named; `remitd plugin inspect` shows the schema."),
    code("REMIT-0121", "A plugin of another kind",
        "An account needs a payment-gateway, a folder an importer, a push a connector, [mail] a mail-provider.",
        "Name a plugin of the kind that the message asks for; `remitd plugin list` shows each one's kind."),
    code("REMIT-0122", "The plugin is not the one that was reviewed",
        "plugins.lock keeps what was looked at when a plugin was installed: its bytes, its manifest, its grants, its signer. Something of that has changed, or it was never installed.",
        "If the change is meant, look at it and agree with `remitd plugin install`; if not, put the old file or the old grants back."),
    code("REMIT-0123", "The plugin's signature is not good",
        "The signature is missing where [signing] requires one, is not by a key of [signing], or does not fit the file.",
        "Get the file and its .minisig from the author again, or add the signer's public key to [signing.keys]."),
    code("REMIT-0124", "A rule for clients' money is broken",
        "Money that clients have entrusted to the firm is kept apart from the firm's own (ABA Model Rule 1.15 and the states' versions of it): no provider's fee is taken from a trust account, and what is earned is not asked for into one.",
        "Name the operating account that the gateway takes its fees from (fees_account); push statements to an operating account."),
    code("REMIT-0301", "The store does not answer",
        "The database could not be read or written. Nothing was half done: each step is one transaction.",
        "See to the database, its disk and its address in [store]; work goes on by itself once it answers."),
    code("REMIT-0302", "The plugin is not there",
        "A step needs a plugin that is not loaded, or that is of another kind than its place asks for.",
        "Name a [[plugin]] of the right kind where the message says: importer, connector, mail-provider or payment-gateway."),
    code("REMIT-0303", "A file cannot be read or written",
        "The operating system refused; the message names the path.",
        "Look at the path, its rights and the free space. Files that were in hand stay where the next look finds them."),
    code("REMIT-0304", "A message cannot be written",
        "A template of the firm's has a fault, or the message cannot be put into the form of a mail.",
        "Mend the template that the message names; without mail.templates the built-in ones are used."),
    code("REMIT-0305", "No random numbers",
        "The operating system gave no random bits, so that no link can be made that nobody guesses.",
        "Try again; if it stays, the machine or its container is set up wrongly."),
    code("REMIT-0306", "There is no such account",
        "A request, a file or a push names a merchant account that the configuration does not have.",
        "Name one of those that the message lists, or add an [[account]]."),
    code("REMIT-0307", "The link cannot be signed",
        "No key for links is loaded.",
        "See to `link-key` in [secrets]."),
    code("REMIT-0308", "A stored currency is unknown",
        "A row of the store carries a currency that ISO 4217 does not have: it was written by something else than remitd, or damaged.",
        "Do not change the row by hand; restore a backup, or ask for help with the row's number."),
    code("REMIT-0309", "A stored piece of work does not read",
        "The payload of an effect is not what this version writes: another version wrote it, or it was changed by hand.",
        "Run the version that wrote it until its work is done, or ask for the work anew."),
    code("REMIT-0310", "A stored piece of work is of an unknown kind",
        "The store holds an effect that this version does not know: a newer version wrote it.",
        "Run the version that wrote it, or a newer one."),
    code("REMIT-0399", "Stopped on purpose",
        "A test asked for a crash at this point. It never happens in a daemon that is run.",
        "Nothing is to be done."),
    code("REMIT-0401", "There is no such request",
        "No payment request has this number.",
        "Look it up with `remitd request list`."),
    code("REMIT-0402", "Nothing is left to ask for",
        "A request for the rest needs a link that is used up, expired or cancelled, and an open amount.",
        "See its state and what is open with `remitd request show`."),
    code("REMIT-0403", "The request cannot be made",
        "What was given for the payer, the amount or the texts does not pass the checks that every door shares.",
        "Mend what the message names: each finding has its own code in JSON."),
    code("REMIT-0404", "The request cannot be cancelled",
        "Only an outstanding link can be voided: this one is paid, being paid, expired or cancelled already.",
        "If a payment is under way, wait for its end; money that came is given back by a refund."),
    code("REMIT-0405", "There is no such batch",
        "No batch of drafts has this number.",
        "Look it up with `remitd batch list`."),
    code("REMIT-0406", "The batch is not in review",
        "Only a batch in review can be released or discarded; this one was already, or was rejected.",
        "See its state with `remitd batch show`."),
    code("REMIT-0407", "There is no such message",
        "No mail has this number.",
        "Look it up with `remitd mail list`."),
    code("REMIT-0408", "The message cannot be sent again",
        "Only a mail that was not sent can be: this one went out, or waits for its turn.",
        "See its attempts with `remitd mail show`; to reach the payer once more, send the link by hand."),
    code("REMIT-0409", "The posting has lost its payment",
        "The payment or the request that a posting belongs to is not in the store. No step of remitd removes one: rows were deleted from outside.",
        "Restore a backup; until then write the posting by hand and remove it here."),
    code("REMIT-0410", "There is no such posting",
        "No posting has this number.",
        "Look it up with `remitd posting list`."),
    code("REMIT-0411", "The posting's state does not allow it",
        "A posting can be posted while it is pending, incomplete or queued and has a connector, split anew or removed until it is posted: a queued one is taken back for that, unless it is written already, an attempt does not end, or money of it has gone back. Only one whose code is nobody-knows can be called written.",
        "See its state with `remitd posting list`; without a connector, write it by hand and remove it here."),
    code("REMIT-0412", "The posting cannot be split so",
        "The parts do not sum to the posting, one of them is named twice or is of nothing, less is open in the matter than is to be spread, or a rule for clients' money forbids it: each kind of money goes to statements of its kind (R2), and what was paid for a matter stays in it (R4).",
        "Name each statement once, with amounts that sum to the posting: remitd posting reallocate ID --to STATEMENT=AMOUNT --to …"),
    code("REMIT-0413", "These statements cannot be asked for with one link",
        "One of them is not open in the matters that were named, more of it is asked for than is open, or they have no payer or different ones.",
        "See them with `remitd matter show NUMBER`; name the payer with --name and --email, or ask for each part with a link of its own."),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    #[test]
    fn sorted_and_unique() {
        for codes in [CODES, import::CODES] {
            assert!(codes.windows(2).all(|pair| pair[0].code < pair[1].code));
        }
        assert!(import::CODES.iter().all(|code| code.code.starts_with("REMIT-02")));
        assert!(CODES.iter().all(|code| !code.code.starts_with("REMIT-02")));
        assert_eq!(find("remit-0102"), find("0102"));
        assert_eq!(find("REMIT-0102").unwrap().title, "There is no such key");
        assert_eq!(find("REMIT-9999"), None);
    }

    /// Every source below the folder.
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "toml") {
                found.push(path);
            }
        }
    }

    #[test]
    fn every_code_given_out_is_explained() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut found = Vec::new();
        for folder in ["daemon", "plugins", "plugin-sdk"] {
            sources(&root.join(folder), &mut found);
        }
        let mut used: BTreeMap<String, PathBuf> = BTreeMap::new();
        for path in
            found.into_iter().filter(|path| !path.ends_with("codes.rs") && !path.ends_with("codes/import.rs"))
        {
            let text = fs_err::read_to_string(&path).unwrap();
            for (at, prefix) in text.match_indices("REMIT-") {
                let number: String =
                    text[at + prefix.len()..].chars().take_while(char::is_ascii_digit).take(4).collect();
                if number.len() == 4 {
                    used.insert(format!("REMIT-{number}"), path.clone());
                }
            }
        }
        assert!(used.len() > 20, "the sources were not found: {used:?}");
        for (code, path) in used {
            assert!(find(&code).is_some(), "{code} of {} has no explanation", path.display());
        }
    }
}
