//! What is wrong with the public properties, found before anything is changed.
//!
//! An installation that fails in its middle says little and rolls much back; one that is refused says what to
//! write instead. What the program reads afterwards is judged by its own code, in the crate `wats-settings`.

use crate::records::{self, Pairs};
use wats_settings::folder::{self, windows as paths};
use wats_settings::{address, token};

/// What the checks ask of the system.
pub trait System {
    /// The value of a property; empty if it is not set.
    fn property(&self, name: &str) -> String;
    /// What there is at a path.
    fn look(&self, path: &str) -> Found;
    /// What is in a file: all of it, or the first bytes and one more than those.
    fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, String>;
    /// Whether there is such an account.
    fn account_exists(&self, name: &str) -> bool;
    /// Whether a standard user made a folder.
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
    /// A file that can be read.
    File,
    /// A folder, and the names in it.
    Folder(Vec<String>),
    /// A link or mount point.
    Link,
    /// Something that whoever installs may not look at, although the installation service may.
    Denied,
    /// Something that cannot be looked at, and why.
    Unreadable(String),
}

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

    /// A sentence for people who filled in a dialog, by what it calls its fields.
    pub fn in_dialog(&self, labels: &Pairs<'_>) -> String {
        match labels.get(&self.property) {
            None => self.on_command_line(),
            Some(label) => format!("{label} \u{201c}{}\u{201d}: {}.", shortened(&self.value), self.reason),
        }
    }
}

/// Reads what dialogs call their fields: records of property and label.
///
/// # Errors
/// If a record is another.
pub fn labels(data: &str) -> Result<Pairs<'_>, String> {
    Pairs::parse_any(data, "labels", |property| !property.is_empty())
}

/// What a property has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind<'a> {
    Switch,
    Url,
    SecretFile,
    Folder { data: &'a str, program: &'a str, used: Vec<&'a str> },
    OwnFolder { program: &'a str, earlier: &'a str, name: &'a str, data: &'a str },
    DataFolder,
    Account { password: &'a str, service: &'a str },
}

impl<'a> Kind<'a> {
    /// The property of a record, and its kind.
    fn read(record: &[&'a str]) -> Result<(&'a str, Kind<'a>), String> {
        let kind = match *record {
            _ if record.contains(&"") => None,
            ["switch", property] => Some((property, Kind::Switch)),
            ["url", property] => Some((property, Kind::Url)),
            ["secret-file", property] => Some((property, Kind::SecretFile)),
            ["folder", property, data, program, ref used @ ..] => {
                Some((property, Kind::Folder { data, program, used: used.to_vec() }))
            }
            ["own-folder", property, program, earlier, name, data] => {
                Some((property, Kind::OwnFolder { program, earlier, name, data }))
            }
            ["data-folder", property] => Some((property, Kind::DataFolder)),
            ["account", property, password, service] => Some((property, Kind::Account { password, service })),
            _ => None,
        };
        kind.ok_or_else(|| records::unknown("the checks", record))
    }

    /// Whether it is for the first configuration only.
    fn is_of_configuration(&self) -> bool {
        matches!(self, Kind::Url | Kind::SecretFile | Kind::Folder { .. })
    }

    fn check(&self, value: &str, system: &dyn System) -> Check {
        match self {
            Kind::SecretFile if system.is_configured() => later_secret_file(value, system),
            _ if self.is_of_configuration() && system.is_configured() => Ok(()),
            _ if value.contains(RESERVED) => refuse("it contains a character that no value can have"),
            Kind::Switch => switch(value),
            Kind::Url => address::check(value),
            Kind::SecretFile => secret_file(value, system),
            Kind::Folder { data, program, used } => {
                let own = [system.property(data), system.property(program)];
                watch_folder(value, [&own[0], &own[1]], used, system)
            }
            Kind::OwnFolder { program, earlier, name, data } => {
                if paths::is_within(value, &system.property(data)) {
                    return refuse("the service writes into the data folder; choose another for the program");
                }
                own_folder(value, [program, name], &system.property(earlier), system)
            }
            Kind::DataFolder => data_folder(value, system),
            Kind::Account { password, service } => {
                account(value, &system.property(password), service, system)
            }
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
/// | `url` | the address of a WATS server |
/// | `secret-file` | a file that holds a token for it |
/// | `folder`, data folder, program's folder, names | a folder that may exist, which is neither of the two (named by their properties) nor one of these folders in the first |
/// | `own-folder`, program, property, name, data folder | a folder with nothing in it but this product, which is known by its program or by the folder's name; not in the data folder (named by its property) |
/// | `data-folder` | a folder that is no link |
/// | `account`, password property, service | the account of a service |
///
/// What is for the first configuration only (`url`, `secret-file` and `folder`) may be anything where there is a
/// configuration: an upgrade is often given what the first installation was given, whose files are gone. A
/// `secret-file` that is there is looked at all the same: it takes the place of the one that was given first.
///
/// The folder that the property of `own-folder` names, that of an earlier installation, is the product's own too.
///
/// # Errors
/// If a record is none of these: a check that is passed over would let everything through.
pub fn problems(data: &str, system: &dyn System) -> Result<Vec<Problem>, String> {
    let records = records::parse(data)?;
    let checks: Vec<_> = records.iter().map(|record| Kind::read(record)).collect::<Result<_, _>>()?;
    let wrong = checks.into_iter().filter_map(|(property, kind)| {
        let value = Some(system.property(property)).filter(|value| !value.is_empty())?;
        let reason = kind.check(&value, system).err()?;
        // Windows Installer wants a backslash at the end of folders; people do not write it.
        let value = value.trim_end_matches('\\').to_owned();
        Some(Problem { property: property.to_owned(), value, reason })
    });
    Ok(wrong.collect())
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

/// `C:\folder`: programs of the system have another current folder and other drives.
fn is_on_drive(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.len() >= 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'\\'
}

fn secret_file(path: &str, system: &dyn System) -> Check {
    if !paths::is_full(path) {
        return refuse(r"write the full path of a file, such as C:\Windows\Temp\token.txt");
    }
    match system.look(path) {
        Found::File => match system.read(path, token::MAX_FILE_BYTES) {
            Ok(content) => token::of_file(&content).map(drop),
            Err(reason) => refuse(format!("the file cannot be read: {reason}")),
        },
        // The installation service may look at it, and judges it again.
        Found::Denied => Ok(()),
        Found::Nothing => refuse("there is no such file"),
        Found::Unreadable(reason) => refuse(format!("the file cannot be read: {reason}")),
        Found::Folder(_) | Found::Link => refuse("this is no file"),
    }
}

/// The same where there is a configuration: often the file is gone that the first installation was given.
fn later_secret_file(path: &str, system: &dyn System) -> Check {
    match system.look(path) {
        Found::File => secret_file(path, system),
        _ => Ok(()),
    }
}

fn watch_folder(path: &str, [data, program]: [&str; 2], used: &[&str], system: &dyn System) -> Check {
    if !paths::is_full(path) {
        return refuse(format!(r"write {}, such as D:\Reports", folder::WANTED));
    }
    if paths::is_same(path, data) {
        return refuse(folder::clash("the watch folder", "the data folder"));
    }
    if paths::is_within(path, program) {
        return refuse("the program is in this folder, and would be taken for a report; choose another");
    }
    if let Some(name) = used.iter().find(|name| paths::is_same(path, &format!(r"{data}\{name}"))) {
        return refuse(folder::clash("the watch folder", &format!("the folder {name} in the data folder")));
    }
    match system.look(path) {
        Found::File => refuse("this is a file"),
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
            "a standard user made the folder, and what is put into it could be run with the rights of the \
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
        Found::File => refuse("this is a file"),
        Found::Denied => refuse("the folder cannot be looked at: access is denied"),
        Found::Unreadable(reason) => refuse(format!("the folder cannot be looked at: {reason}")),
    }
}

fn data_folder(path: &str, system: &dyn System) -> Check {
    match system.look(path.trim_end_matches('\\')) {
        Found::Link => refuse("this is a link, and somebody else's may be behind it; remove it"),
        Found::File => refuse("this is a file where a folder has to be; remove or rename it"),
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
