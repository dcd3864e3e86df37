//! What is wrong with the public properties, found before anything is changed.
//!
//! An installation that fails in its middle says little and rolls much back; one that is refused says what to
//! write instead.

use crate::records;

/// What the checks ask of the system.
pub trait System {
    /// The value of a property; empty if it is not set.
    fn property(&self, name: &str) -> String;
    /// What there is at a path.
    fn look(&self, path: &str) -> Found;
    /// Whether there is such an account.
    fn account_exists(&self, name: &str) -> bool;
    /// The account of a service that is registered already.
    fn account_of(&self, service: &str) -> Option<String>;
    /// The folder of Windows, such as `C:\Windows`.
    fn windows_folder(&self) -> String;
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
        match records::pairs(labels).get(self.property.as_str()) {
            Some(label) => format!("{label} \u{201c}{}\u{201d}: {}.", self.value, self.reason),
            None => self.on_command_line(),
        }
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
/// | `own-folder`, program, property | a folder with nothing in it but this product, which is known by its program |
/// | `data-folder` | a folder that is no link |
/// | `account`, password property, service | the account of a service |
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
            _ if value.contains(RESERVED) => Err("it contains a character that no value can have".to_owned()),
            ("switch", _) => switch(&value),
            ("url", _) => url(&value),
            ("secret-file", _) => secret_file(&value, system),
            ("folder", _) => folder(&value, system),
            ("own-folder", [program, earlier]) => {
                own_folder(&value, program, &system.property(earlier), system)
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
        Found::File(_) => Ok(()),
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

fn own_folder(path: &str, program: &str, earlier: &str, system: &dyn System) -> Check {
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
        Found::Folder(names)
            if names.is_empty() || names.iter().any(|name| name.eq_ignore_ascii_case(program)) =>
        {
            Ok(())
        }
        Found::Folder(_) => refuse(format!(
            "the folder has other things in it, and installing changes who may write there; choose a folder of \
             its own, such as {plain}\\pyWATS"
        )),
        Found::Link => refuse("this is a link; write the folder that it leads to"),
        Found::File(_) => refuse("this is a file"),
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
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    struct Station(BTreeMap<&'static str, &'static str>);

    impl System for Station {
        fn property(&self, name: &str) -> String {
            self.0.get(name).copied().unwrap_or_default().to_owned()
        }

        fn look(&self, path: &str) -> Found {
            let names = |names: &[&str]| Found::Folder(names.iter().map(|name| (*name).to_owned()).collect());
            match path {
                r"C:\token" => Found::File(20),
                r"C:\empty" => Found::File(0),
                r"C:\large" => Found::File(1 << 20),
                r"C:\locked" => Found::Unreadable("access is denied".to_owned()),
                r"C:\link" => Found::Link,
                r"C:\tools" => names(&["other.exe"]),
                r"C:\pywats" => names(&["Client.EXE", "other"]),
                r"C:\new" => names(&[]),
                _ => Found::Nothing,
            }
        }

        fn account_exists(&self, name: &str) -> bool {
            name.ends_with("station") || name.ends_with("station$")
        }

        fn account_of(&self, _service: &str) -> Option<String> {
            Some(r"PLANT\old station".to_owned())
        }

        fn windows_folder(&self) -> String {
            r"C:\Windows\".to_owned()
        }
    }

    const DATA: &str = "switch|SWITCH\nurl|URL\nsecret-file|SECRET\nfolder|FOLDER\nown-folder|OWN|client.exe|EARLIER\n\
                        data-folder|Data\naccount|ACCOUNT|PASSWORD|svc\n";

    /// Fails if: a value that cannot work is let through, one that works is refused, or the sentence does not
    /// name property and value.
    #[test]
    fn finds_what_is_wrong() {
        for (property, value, complaint) in [
            ("SWITCH", "", ""),
            ("SWITCH", "0", ""),
            ("SWITCH", "yes", "write 1 for yes"),
            ("URL", "https://x.example", ""),
            ("URL", "http://[::1]:8080/wats", ""),
            ("URL", "x.example", "with its scheme"),
            ("URL", "https:///path", "with its scheme"),
            ("URL", "https://x example", "with its scheme"),
            ("URL", "https://u:p@x.example", "leave user name"),
            ("URL", "https://x|y", "no value can have"),
            ("SECRET", r"C:\token", ""),
            ("SECRET", r"\\server\share\token", "no such file"),
            ("SECRET", "token", "whole path"),
            ("SECRET", r"C:\empty", "empty"),
            ("SECRET", r"C:\large", "1048576 bytes"),
            ("SECRET", r"C:\locked", "access is denied"),
            ("SECRET", r"C:\new", "no file"),
            ("FOLDER", r"D:\Prüf Stand", ""),
            ("FOLDER", r"\\server\share", ""),
            ("FOLDER", "Reports", "whole path"),
            ("FOLDER", r"C:\token", "this is a file"),
            ("FOLDER", r"C:\link", "this is a link"),
            ("OWN", r"D:\py WATS\", ""),
            ("OWN", r"C:\new\", ""),
            ("OWN", r"C:\pywats\", ""),
            ("OWN", r"C:\tools\", r"such as C:\tools\pyWATS"),
            ("OWN", r"C:\", "on a drive"),
            ("OWN", r"\\server\share\x\", "on a drive"),
            ("OWN", r"c:\windows\pywats\", "Windows' own"),
            ("OWN", r"C:\link\", "this is a link"),
            ("OWN", r"C:\locked\", "access is denied"),
            ("Data", r"C:\link\", "this is a link"),
            ("Data", r"C:\tools\", ""),
            ("ACCOUNT", r"NT SERVICE\svc", ""),
            ("ACCOUNT", r"nt service\other", r"NT SERVICE\svc"),
            ("ACCOUNT", "LocalSystem", ""),
            ("ACCOUNT", r"NT AUTHORITY\LocalService", ""),
            ("ACCOUNT", r"PLANT\station", "SERVICEPASSWORD"),
            ("ACCOUNT", r"PLANT\station$", ""),
            ("ACCOUNT", r"plant\Old Station", ""),
            ("ACCOUNT", r"PLANT\nobody", "no such account"),
            ("ACCOUNT", "station", r"DOMAIN\name"),
        ] {
            let problems = problems(DATA, &Station([(property, value)].into()));
            if complaint.is_empty() {
                assert!(problems.is_empty(), "{property}={value}: {problems:?}");
            } else {
                assert_eq!(problems.len(), 1, "{property}={value}: {problems:?}");
                let start = format!("{property}={}", value.trim_end_matches('\\'));
                let sentence = problems[0].on_command_line();
                assert!(sentence.starts_with(&start) && sentence.contains(complaint), "{sentence}");
            }
        }
        let url = &problems(DATA, &Station([("URL", "x")].into()))[0];
        assert!(url.in_dialog("URL|Server address\n").starts_with("Server address \u{201c}x\u{201d}: write"));
        assert_eq!(url.in_dialog("OTHER|Else\n"), url.on_command_line());
        let own = |value, earlier| problems(DATA, &Station([("OWN", value), ("EARLIER", earlier)].into()));
        assert!(own(r"C:\tools\", r"c:\Tools").is_empty(), "its own folder, without the program");
        assert_eq!(own(r"C:\tools\", r"C:\pywats").len(), 1);
        assert_eq!(own(r"C:\link\", r"C:\link").len(), 1);
        let both = Station([("ACCOUNT", r"PLANT\station"), ("PASSWORD", "x")].into());
        assert!(problems(DATA, &both).is_empty());
    }
}
