//! The words by which a message names a setting: the table and the key, as the configuration writes them. The daemon looks for them
//! at the start of a message, to add the file and the line.

/// `[plugin.settings.search] name`.
pub fn place(setting: &str) -> String {
    match setting.rsplit_once('.') {
        Some((table, key)) => format!("[plugin.settings.{table}] {key}"),
        None => format!("[plugin.settings] {setting}"),
    }
}
