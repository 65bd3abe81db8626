//! Names: each is given once, and each that is referred to exists.

use super::Check;
use crate::config::keys::ByName;
use crate::config::problem::nearest;
use crate::config::read::choice;
use remitd_flow::intake::pattern::Pattern;
use remitd_flow::intake::recognise::BY_CONTENT;
use std::collections::HashMap;

const ID_MAX_BYTES: usize = 64;

/// Whether this can be the id of an account, a plugin or a connection.
pub fn is_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !id.is_empty() && id.len() <= ID_MAX_BYTES && id.chars().all(plain)
}

impl Check<'_> {
    pub fn names(&mut self) {
        let config = self.config;
        let accounts: Vec<&str> = config.accounts.iter().map(|account| account.id.as_str()).collect();
        let plugins: Vec<&str> = config.plugins.iter().map(|plugin| plugin.id.as_str()).collect();
        let sql: Vec<&str> = config.sql.iter().map(|sql| sql.id.as_str()).collect();
        let smtp: Vec<&str> = config.smtp.iter().map(|smtp| smtp.id.as_str()).collect();
        let maildirs: Vec<&str> = config.maildirs.iter().map(|maildir| maildir.id.as_str()).collect();
        let outboxes: Vec<&str> = config.outboxes.iter().map(|outbox| outbox.id.as_str()).collect();
        for (list, ids) in [
            ("account", &accounts),
            ("plugin", &plugins),
            ("sql", &sql),
            ("smtp", &smtp),
            ("maildir", &maildirs),
            ("outbox", &outboxes),
        ] {
            self.ids(list, ids);
        }
        self.secret_names();
        for (at, account) in config.accounts.iter().enumerate() {
            let table = self.element("account", at);
            self.refers(&format!("{table}.gateway"), &account.gateway, "plugin", &plugins);
            if let Some(fees) = &account.fees_account {
                self.refers(&format!("{table}.fees_account"), fees, "account", &accounts);
            }
            if let Some(connector) = &account.connector {
                self.refers(&format!("{table}.connector"), connector, "plugin", &plugins);
            }
        }
        for (at, folder) in config.folders.iter().enumerate() {
            let table = self.element("folder", at);
            self.refers(&format!("{table}.account"), &folder.account, "account", &accounts);
            if folder.importer != BY_CONTENT {
                self.refers(&format!("{table}.importer"), &folder.importer, "plugin", &plugins);
            }
            self.by_name(&table, &folder.by_name, &plugins);
        }
        for (at, push) in config.pushes.iter().enumerate() {
            let table = self.element("push", at);
            self.refers(&format!("{table}.connector"), &push.connector, "plugin", &plugins);
            self.refers(&format!("{table}.account"), &push.account, "account", &accounts);
        }
        self.refers("mail.provider", &config.mail.provider, "plugin", &plugins);
        self.granted();
    }

    /// What grants name is there.
    fn granted(&mut self) {
        let config = self.config;
        let sql: Vec<&str> = config.sql.iter().map(|sql| sql.id.as_str()).collect();
        let smtp: Vec<&str> = config.smtp.iter().map(|smtp| smtp.id.as_str()).collect();
        let maildirs: Vec<&str> = config.maildirs.iter().map(|maildir| maildir.id.as_str()).collect();
        let outboxes: Vec<&str> = config.outboxes.iter().map(|outbox| outbox.id.as_str()).collect();
        let known_sql = |name: &str| sql.contains(&name);
        let secrets: Vec<&str> = config.secrets.keys().map(String::as_str).collect();
        for (at, plugin) in config.plugins.iter().enumerate() {
            let grants = &plugin.grants;
            let table = format!("{}.grants", self.element("plugin", at));
            for (key, names, list, known) in [
                ("sql", &grants.sql, "sql", &sql),
                ("sql_write", &grants.sql_write, "sql", &sql),
                ("smtp", &grants.smtp, "smtp", &smtp),
                ("maildir", &grants.maildir, "maildir", &maildirs),
                ("outbox", &grants.outbox, "outbox", &outboxes),
                ("secrets", &grants.secrets, "secrets", &secrets),
            ] {
                for (at, name) in names.iter().enumerate() {
                    let path = self.element(&format!("{table}.{key}"), at);
                    // "NAME as HEADER to ORIGIN": the host reads the rest.
                    let name = name.split_whitespace().next().unwrap_or_default();
                    self.refers(&path, name, list, known);
                }
            }
            for (at, name) in grants.sql_write.iter().enumerate() {
                if known_sql(name) && !grants.sql.contains(name) {
                    let path = self.element(&format!("{table}.sql_write"), at);
                    let message = format!("the plugin may write to {name:?}, but not read it");
                    self.error(&path, "REMIT-0112", message, format!("add {name:?} to `{table}.sql` too"));
                }
            }
        }
    }

    /// Ids stand in addresses, file names and logs, and each stands for one thing.
    fn ids(&mut self, list: &str, ids: &[&str]) {
        let mut first: HashMap<&str, String> = HashMap::new();
        for (at, id) in ids.iter().enumerate() {
            let path = format!("{}.id", self.element(list, at));
            if !is_id(id) {
                let message = format!("{id:?} is not an id");
                self.error(&path, "REMIT-0104", message, "use letters, digits, `-` and `_`, at most 64");
            } else if list == "plugin" && *id == BY_CONTENT {
                let message = format!("{id:?} stands for whichever importer knows a file");
                self.error(&path, "REMIT-0104", message, "give the plugin another id");
            } else if let Some(other) = first.get(id) {
                let message = format!("{id:?} is the id of `{other}` already");
                self.error(&path, "REMIT-0107", message, "give each its own id");
            } else {
                first.insert(id, path.trim_end_matches(".id").to_owned());
            }
        }
    }

    /// Each has both its keys, and comes to its turn.
    fn by_name(&mut self, table: &str, by_name: &[ByName], plugins: &[&str]) {
        let mut earlier: Vec<&Pattern> = Vec::new();
        for (at, by) in by_name.iter().enumerate() {
            let path = self.element(&format!("{table}.by_name"), at);
            let missing = |key: &&str| self.layers.get(&format!("{path}.{key}")).is_none();
            let missing: Vec<&str> = ["name", "importer"].into_iter().filter(missing).collect();
            for key in &missing {
                let hint = "write both: { name = \"LEDES*.txt\", importer = \"ledes\" }";
                self.error(
                    &format!("{path}.{key}"),
                    "REMIT-0105",
                    format!("`{path}.{key}` is missing"),
                    hint,
                );
            }
            if !missing.contains(&"importer") && by.importer != BY_CONTENT {
                self.refers(&format!("{path}.importer"), &by.importer, "plugin", plugins);
            }
            let before = earlier.iter().find(|before| before.covers(&by.name));
            if let Some(before) = before.filter(|_| !missing.contains(&"name")) {
                let message =
                    format!("\"{}\" never comes to its turn: \"{before}\" stands before it", by.name);
                self.warning(&format!("{path}.name"), "REMIT-0250", message, "put the narrower name first");
            }
            earlier.push(&by.name);
        }
    }

    fn secret_names(&mut self) {
        for name in self.config.secrets.keys() {
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                let message = format!("{name:?} is not a secret's name");
                self.error(&format!("secrets.{name}"), "REMIT-0104", message, "use letters, digits and `-`");
            }
        }
    }

    /// The name must be one of the list's; a list with a faulty element may hold it, so that nothing is said then.
    fn refers(&mut self, path: &str, name: &str, list: &str, known: &[&str]) {
        let nameless = |out: &str| {
            let element = out.strip_suffix(".id").unwrap_or(out);
            let index = element.strip_prefix(list).and_then(|rest| rest.strip_prefix('['));
            out == list || index.is_some_and(|index| index.find(']') == Some(index.len() - 1))
        };
        let unsure = self.left_out.iter().any(|out| nameless(out));
        let unsure = unsure || (list == "secrets" && self.left_out.contains(&format!("secrets.{name}")));
        if unsure || known.contains(&name) {
            return;
        }
        let head = if list == "secrets" { "[secrets]".to_owned() } else { format!("[[{list}]]") };
        let message = format!("there is no {name:?} in {head}");
        let hint = match known {
            [] => format!("there is no {head} at all yet: add one"),
            known => choice(nearest(name, known.iter().copied()), known, '"'),
        };
        self.error(path, "REMIT-0106", message, hint);
    }
}
