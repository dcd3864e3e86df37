//! What is wrong with the public properties, found before anything is changed.
//!
//! An installation that fails in its middle says little and rolls much back; one that is refused says what to
//! write instead.

use crate::records::{self, Pairs};

/// What the checks ask of the system.
pub trait System {
    /// The value of a property; empty if it is not set.
    fn property(&self, name: &str) -> String;
    /// What there is at a path.
    fn look(&self, path: &str) -> Found;
    /// Whether there is such an account.
    fn account_exists(&self, name: &str) -> bool;
    /// Whether an ordinary user made a folder.
    fn is_planted(&self, path: &str) -> bool;
    /// The account of a service that is registered already.
    fn account_of(&self, service: &str) -> Option<String>;
    /// The folder of Windows, such as `C:\Windows`.
    fn windows_folder(&self) -> String;
    /// Whether there is a configuration already, which stays as it is.
    fn is_configured(&self) -> bool;
}

/// What there is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A file that can be read, of that many bytes.
    File(u64),
    /// A folder, and the names in it.
    Folder(Vec<String>),
    /// A link or mount point.
    Link,
    /// Something that whoever installs may not look at, although the installation service may.
    Denied,
    /// Something that cannot be looked at, and why.
    Unreadable(String),
}

/// A token is a line; what is larger is another file.
const MAX_TOKEN_BYTES: u64 = 64 << 10;
/// Characters that separate records, or end a text.
const RESERVED: &[char] = &['|', '\n', '\r', '\0'];

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The property.
    pub property: String,
    /// What it is set to.
    pub value: String,
    /// Why that cannot work, and what to do.
    pub reason: String,
}

impl Problem {
    /// A sentence for people who wrote the property on a command line.
    pub fn on_command_line(&self) -> String {
        format!("{}={}: {}.", self.property, self.value, self.reason)
    }

    /// A sentence for people who filled in a dialog, by what it calls its fields: records of property and label.
    pub fn in_dialog(&self, labels: &str) -> String {
        match Pairs::parse(labels).text(&self.property) {
            "" => self.on_command_line(),
            label => format!("{label} \u{201c}{}\u{201d}: {}.", shortened(&self.value), self.reason),
        }
    }
}

/// A value as a dialog has room for it: a long word is not broken there. The field that it is in shows it all.
fn shortened(value: &str) -> String {
    const MOST: usize = 48;
    match value.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}\u{2026}", &value[..end]),
        None => value.to_owned(),
    }
}

/// Everything that is wrong.
///
/// The data has a record for each property: a kind, the property, and what the kind needs.
///
/// | kind | is |
/// |---|---|
/// | `switch` | `0`, `1` or empty |
/// | `url` | the address of a server |
/// | `secret-file` | a file that holds a secret |
/// | `folder` | a folder that may exist |
/// | `own-folder`, program, property, name | a folder with nothing in it but this product, which is known by its program or by the folder's name |
/// | `data-folder` | a folder that is no link |
/// | `account`, password property, service | the account of a service |
///
/// What is for the first configuration only (`url`, `secret-file` and `folder`) may be anything where there is a
/// configuration: an upgrade is often given what the first installation was given, whose files are gone.
///
/// The folder that the property of `own-folder` names, that of an earlier installation, is the product's own too.
pub fn problems(data: &str, system: &dyn System) -> Vec<Problem> {
    let mut problems = Vec::new();
    for record in records::parse(data) {
        let [kind, property, more @ ..] = &record[..] else { continue };
        let value = system.property(property);
        if value.is_empty() {
            continue;
        }
        let found = match (*kind, more) {
            ("url" | "secret-file" | "folder", _) if system.is_configured() => Ok(()),
            _ if value.contains(RESERVED) => Err("it contains a character that no value can have".to_owned()),
            ("switch", _) => switch(&value),
            ("url", _) => url(&value),
            ("secret-file", _) => secret_file(&value, system),
            ("folder", _) => folder(&value, system),
            ("own-folder", [program, earlier, name]) => {
                own_folder(&value, [program, name], &system.property(earlier), system)
            }
            ("data-folder", _) => data_folder(&value, system),
            ("account", [password, service]) => account(&value, &system.property(password), service, system),
            _ => Err(format!("the package asks for an unknown check {kind:?}")),
        };
        if let Err(reason) = found {
            // Windows Installer wants a backslash at the end of folders; people do not write it.
            let value = value.trim_end_matches('\\').to_owned();
            problems.push(Problem { property: (*property).to_owned(), value, reason });
        }
    }
    problems
}

type Check = Result<(), String>;

fn refuse(reason: impl Into<String>) -> Check {
    Err(reason.into())
}

fn switch(value: &str) -> Check {
    match value {
        "0" | "1" => Ok(()),
        _ => refuse("write 1 for yes or 0 for no"),
    }
}

fn url(value: &str) -> Check {
    let rest = ["https://", "http://"].iter().find_map(|scheme| value.strip_prefix(scheme));
    let host = rest.unwrap_or_default().split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || value.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return refuse("write the address of the server with its scheme, such as https://company.wats.com");
    }
    if host.contains('@') {
        return refuse("leave user name and password out of the address; hand the token over in a file");
    }
    Ok(())
}

/// `C:\folder` or `\\server\share\folder`; programs of the system have another current folder and other drives.
fn is_absolute(path: &str) -> bool {
    is_on_drive(path) || path.starts_with(r"\\") && path[2..].contains('\\')
}

fn is_on_drive(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.len() >= 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'\\'
}

fn secret_file(path: &str, system: &dyn System) -> Check {
    if !is_absolute(path) {
        return refuse(r"write the whole path, such as C:\Windows\Temp\token.txt");
    }
    match system.look(path) {
        Found::File(0) => refuse("the file is empty"),
        Found::File(size) if size > MAX_TOKEN_BYTES => {
            refuse(format!("the file has {size} bytes, more than any token; is it the right one"))
        }
        Found::File(_) | Found::Denied => Ok(()),
        Found::Nothing => refuse("there is no such file"),
        Found::Unreadable(reason) => refuse(format!("the file cannot be read: {reason}")),
        Found::Folder(_) | Found::Link => refuse("this is no file"),
    }
}

fn folder(path: &str, system: &dyn System) -> Check {
    if !is_absolute(path) {
        return refuse(r"write the whole path, such as D:\Reports");
    }
    match system.look(path) {
        Found::File(_) => refuse("this is a file"),
        Found::Link => refuse("this is a link; write the folder that it leads to"),
        _ => Ok(()),
    }
}

fn own_folder(path: &str, [program, name]: [&str; 2], earlier: &str, system: &dyn System) -> Check {
    let plain = path.trim_end_matches('\\');
    if !is_on_drive(path) || plain.len() < 3 {
        return refuse(r"write a folder on a drive of this machine, such as D:\pyWATS");
    }
    let windows = system.windows_folder().trim_end_matches('\\').to_lowercase();
    let lower = plain.to_lowercase();
    if lower == windows || lower.starts_with(&format!("{windows}\\")) {
        return refuse("this folder is Windows' own; choose another");
    }
    match system.look(plain) {
        Found::Nothing => Ok(()),
        // A repair has to work although somebody has deleted the program.
        Found::Folder(_) if lower == earlier.trim_end_matches('\\').to_lowercase() => Ok(()),
        // Even an empty one: who made a folder can keep it open, and change it again later.
        Found::Folder(_) if system.is_planted(plain) => refuse(
            "an ordinary user made the folder, and what is put into it could be run with the rights of the \
             service; remove it",
        ),
        Found::Folder(names) if names.is_empty() => Ok(()),
        Found::Folder(names)
            if names.iter().any(|name| name.eq_ignore_ascii_case(program))
                || plain.rsplit('\\').next().is_some_and(|last| last.eq_ignore_ascii_case(name)) =>
        {
            Ok(())
        }
        Found::Folder(_) => refuse(format!(
            "the folder has other things in it, and installing changes who may write there; choose a folder of \
             its own, such as {plain}\\pyWATS"
        )),
        Found::Link => refuse("this is a link; write the folder that it leads to"),
        Found::File(_) => refuse("this is a file"),
        Found::Denied => refuse("the folder cannot be looked at: access is denied"),
        Found::Unreadable(reason) => refuse(format!("the folder cannot be looked at: {reason}")),
    }
}

fn data_folder(path: &str, system: &dyn System) -> Check {
    match system.look(path.trim_end_matches('\\')) {
        Found::Link => refuse("this is a link, and somebody else's may be behind it; remove it"),
        Found::File(_) => refuse("this is a file where a folder has to be; remove or rename it"),
        _ => Ok(()),
    }
}

/// Accounts of Windows itself, and those that come into being with a service. Windows knows more names for them than
/// it finds when it is asked.
pub fn is_of_windows(account: &str) -> bool {
    let lower = account.to_lowercase();
    ["localsystem", ".\\localsystem", "localservice", "networkservice"].contains(&lower.as_str())
        || ["nt authority\\", "nt service\\"].iter().any(|authority| lower.starts_with(authority))
}

/// Whether a service needs a password to run under the account: those of Windows and managed ones have none.
pub fn has_password(account: &str) -> bool {
    !is_of_windows(account) && !account.ends_with('$')
}

fn account(name: &str, password: &str, service: &str, system: &dyn System) -> Check {
    let own = format!(r"NT SERVICE\{service}");
    if name.to_lowercase().starts_with("nt service\\") && !name.eq_ignore_ascii_case(&own) {
        return refuse(format!("a service can use only its own account of this kind, {own}"));
    }
    let stays = || system.account_of(service).is_some_and(|account| account.eq_ignore_ascii_case(name));
    if is_of_windows(name) || (password.is_empty() && stays()) {
        return Ok(());
    }
    if !name.contains(['\\', '@']) {
        return refuse(r"write DOMAIN\name, or .\name for an account of this machine");
    }
    if !system.account_exists(name) {
        return refuse("there is no such account");
    }
    if has_password(name) && password.is_empty() {
        return refuse("this account has a password; give it too, in SERVICEPASSWORD");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
