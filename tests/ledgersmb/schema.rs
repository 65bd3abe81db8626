//! LedgerSMB's own database, without LedgerSMB: its tables and procedures from Debian's package, which `make setup` unpacks.
//! Loaded once, in the order that it names; each test has a copy. Writes nothing of ours into it.

use remitd_tests::postgres::{self, Server, database_of};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const UNPACKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/ledgersmb/usr/share/ledgersmb");
const FIRM: &str = include_str!("firm.sql");
const MARKER: &str = include_str!("../../config/presets/remitd_posting.sql");
/// As LedgerSMB's set-up makes them before it applies its changes.
const PATCHES: &str = "
CREATE TABLE db_patches (sha text PRIMARY KEY, path text NOT NULL, last_updated timestamp NOT NULL);
CREATE TABLE db_patch_log (when_applied timestamp PRIMARY KEY, path text NOT NULL, sha text NOT NULL, sqlstate text NOT NULL, error text);
INSERT INTO defaults (setting_key, value) VALUES ('module_load_ok', 'no');";

/// A firm's database, and whom remitd signs in as.
pub struct Ledger {
    server: &'static Server,
    /// As its owner.
    url: String,
    login: String,
}

impl Ledger {
    /// None where `make setup` found no package.
    pub fn new() -> Option<Ledger> {
        let template = template()?;
        let server = postgres::shared();
        let url = server.copy(template, "ledgersmb");
        // Logins are the server's, not the database's.
        let login = format!("remitd_{}", database_of(&url));
        let grant = format!("GRANT SELECT, INSERT, UPDATE ON remitd_posting TO {login};");
        server.script(&url, &format!("\\set login {login}\n{FIRM}\n{MARKER}\n{grant}"), Path::new(UNPACKED));
        Some(Ledger { server, url, login })
    }

    /// Its address for remitd.
    pub fn url(&self) -> String {
        self.url.replacen("postgres@", &format!("{}@", self.login), 1)
    }

    /// As its owner asks, or does something by hand.
    pub fn ask(&self, sql: &str) -> String {
        self.server.ask(&self.url, sql)
    }

    /// What an invoice has open, in the words of LedgerSMB's own procedure.
    pub fn open(&self, invoice: &str) -> String {
        self.ask(&format!(
            "SELECT coalesce(sum(open.due), 0)::numeric(15, 2) FROM entity_credit_account client,
             payment_get_open_invoice(2, client.id, 'USD', NULL, NULL, NULL, NULL, '{invoice}') open
             WHERE client.entity_class = 2"
        ))
    }

    /// What a client owes in the firm's currency, invoice by invoice, in LedgerSMB's report of receivables. It has drafts in it too,
    /// and credit notes: nobody is asked for those.
    pub fn owed(&self, client: &str) -> Vec<String> {
        let found = self.ask(&format!(
            "SELECT owed.invnumber, (c0 + c30 + c60 + c90)::numeric(15, 2)
             FROM report__invoice_aging_detail(NULL, 2, NULL, NULL, NULL, false, NULL) owed JOIN ar ON ar.id = owed.id
             WHERE account_number = '{client}' AND owed.curr = 'USD' AND ar.approved AND c0 + c30 + c60 + c90 > 0
             ORDER BY ar.transdate, ar.id"
        ));
        found.lines().map(str::to_owned).collect()
    }

    /// The receipts in LedgerSMB's own search, in the order of their days and amounts.
    pub fn receipts(&self) -> Vec<String> {
        let found = self.ask(
            "SELECT company_paid, amount::numeric(15, 2) FROM payment__search(NULL, NULL, NULL, NULL, '1060', 2, 'USD', NULL)
             ORDER BY company_paid, amount",
        );
        found.lines().map(str::to_owned).collect()
    }

    /// Every invoice's lines sum to nothing, and so do all.
    pub fn is_balanced(&self) -> bool {
        self.ask("SELECT count(*) FROM (SELECT FROM acc_trans GROUP BY trans_id HAVING sum(amount) <> 0) odd")
            == "0"
    }
}

fn template() -> Option<&'static str> {
    static TEMPLATE: OnceLock<Option<String>> = OnceLock::new();
    let load = || {
        let folder = Path::new(UNPACKED);
        if !folder.is_dir() {
            println!("skipped: there is no target/ledgersmb; `make setup` makes it");
            return None;
        }
        let server = postgres::shared();
        let url = server.database("ledgersmb_template");
        server.script(&url, &loading(folder), folder);
        let roles = format!("lsmb_{}__", database_of(&url));
        // Roles are named by the database in which they were made: the copies are to know them.
        server.ask(&url, &format!("SELECT setting__set('role_prefix', '{roles}')"));
        Some(url)
    };
    TEMPLATE.get_or_init(load).as_deref()
}

/// Tables, changes, modules, a chart of accounts. What its list marks with `!` may fail, as it does in its own set-up.
fn loading(folder: &Path) -> String {
    let mut script = format!("SET client_min_messages = error;\n\\i sql/Pg-database.sql\n{PATCHES}\n");
    for file in listed(folder.join("sql/changes/LOADORDER")) {
        script += &match file.strip_prefix('!') {
            Some(file) => {
                format!("\\set ON_ERROR_STOP 0\n\\i sql/changes/{file}\nROLLBACK;\n\\set ON_ERROR_STOP 1\n")
            }
            None => format!("BEGIN;\n\\i sql/changes/{file}\nCOMMIT;\n"),
        };
    }
    for file in listed(folder.join("sql/modules/LOADORDER")) {
        script += &format!(
            "UPDATE defaults SET value = 'no' WHERE setting_key = 'module_load_ok';\n\\i sql/modules/{file}\n"
        );
        script +=
            "SELECT 1 / count(*) FROM defaults WHERE setting_key = 'module_load_ok' AND value = 'yes';\n";
    }
    script + "\\i sql/coa/us/chart/General.sql\n"
}

fn listed(order: PathBuf) -> Vec<String> {
    let text = fs_err::read_to_string(order).unwrap();
    let files = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    files.map(str::to_owned).collect()
}
