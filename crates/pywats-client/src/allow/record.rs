//! The drop-in of a folder is also the record of what was allowed for it: comments, one a line, that say what there was
//! before, so that it can be there again.
//!
//! ```text
//! # pass ACCOUNT UID BEFORE PATH       the account may pass through
//! # acl ACCOUNT UID BEFORE PATH        it may read, write and pass, and in what is made there
//! # label PATH                         the label of folders that others put reports into
//! # boolean NAME                       a boolean of the policy that was off
//! ```
//! `BEFORE` is two words, for the list of the folder and for its default list: the rights of the account's entry and
//! of the mask, as one digit each, `-` where there was none; `none` stands for no default list.

use std::fs;
use std::path::{Path, PathBuf};

/// Where drop-ins of the unit are that are made on this machine.
pub const DROP_INS: &str = "/etc/systemd/system/pywats-client.service.d";

/// What there was in a list before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Before {
    /// The rights of the account's own entry.
    pub entry: Option<u16>,
    /// The rights that entries give at most.
    pub mask: Option<u16>,
}

/// What there was of a folder before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub access: Before,
    /// The list that new files and folders in it get.
    pub default: Option<Before>,
}

/// An account that is let into a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub(super) account: String,
    pub(super) uid: u32,
    pub(super) was: State,
    pub(super) path: PathBuf,
}

/// One thing that was allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    Pass(Access),
    All(Access),
    Label(PathBuf),
    Boolean(String),
}

/// All that was allowed for a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// What the folder is called.
    pub(super) name: String,
    pub(super) grants: Vec<Grant>,
    /// What the unit was told.
    pub(super) lines: Vec<String>,
}

impl Record {
    /// What the unit was told for this folder.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether it is that of the folder with this name.
    pub fn is_of(&self, name: &str) -> bool {
        self.name == name
    }

    /// Reads a drop-in.
    pub(super) fn read(name: &str, text: &str) -> Record {
        let is_told = |line: &&str| line.contains('=') && !line.starts_with('#');
        Record {
            name: name.to_owned(),
            grants: text.lines().filter_map(Grant::read).collect(),
            lines: text.lines().filter(is_told).map(str::to_owned).collect(),
        }
    }

    /// The text of the drop-in.
    pub(super) fn text(&self) -> String {
        let name = &self.name;
        let mut text = format!(
            "# Made by pywats-client folders add; pywats-client folders remove {name} takes it back.\n"
        );
        for grant in &self.grants {
            text += &format!("{}\n", grant.line());
        }
        text += "[Service]\n";
        for line in &self.lines {
            text += &format!("{line}\n");
        }
        text
    }
}

impl Grant {
    fn read(line: &str) -> Option<Grant> {
        let (kind, rest) = line.strip_prefix("# ")?.split_once(' ')?;
        match kind {
            "label" => return Some(Grant::Label(rest.into())),
            "boolean" => return Some(Grant::Boolean(rest.to_owned())),
            _ => {}
        }
        let words: Vec<&str> = rest.splitn(5, ' ').collect();
        let [account, uid, access, default, path] = words[..] else { return None };
        let default = if default == "none" { None } else { Some(Before::read(default)?) };
        let access = Access {
            account: account.to_owned(),
            uid: uid.parse().ok()?,
            was: State { access: Before::read(access)?, default },
            path: path.into(),
        };
        match kind {
            "pass" => Some(Grant::Pass(access)),
            "acl" => Some(Grant::All(access)),
            _ => None,
        }
    }

    fn line(&self) -> String {
        let (kind, access) = match self {
            Grant::Pass(access) => ("pass", access),
            Grant::All(access) => ("acl", access),
            Grant::Label(path) => return format!("# label {}", path.display()),
            Grant::Boolean(name) => return format!("# boolean {name}"),
        };
        let Access { account, uid, was, path } = access;
        let default = was.default.map_or_else(|| "none".to_owned(), Before::word);
        format!("# {kind} {account} {uid} {} {default} {}", was.access.word(), path.display())
    }

    /// Whether this gives whatever another one gives.
    pub(super) fn covers(&self, other: &Grant) -> bool {
        match (self, other) {
            (Grant::Pass(access) | Grant::All(access), Grant::Pass(other))
            | (Grant::All(access), Grant::All(other)) => access.path == other.path,
            (Grant::Label(path), Grant::Label(other)) => path == other,
            (Grant::Boolean(name), Grant::Boolean(other)) => name == other,
            _ => false,
        }
    }
}

impl Before {
    fn read(word: &str) -> Option<Before> {
        let digit = |text: &str| match text {
            "-" => Some(None),
            text => text.parse().ok().filter(|rights| *rights < 8).map(Some),
        };
        let (entry, mask) = word.split_once('/')?;
        Some(Before { entry: digit(entry)?, mask: digit(mask)? })
    }

    fn word(self) -> String {
        let digit = |rights: Option<u16>| rights.map_or_else(|| "-".to_owned(), |rights| rights.to_string());
        format!("{}/{}", digit(self.entry), digit(self.mask))
    }
}

/// The drop-in of a folder.
pub fn drop_in(name: &str) -> PathBuf {
    Path::new(DROP_INS).join(format!("folder-{name}.conf"))
}

/// What was allowed for all folders.
pub fn records() -> Vec<Record> {
    let entries = fs::read_dir(DROP_INS).into_iter().flatten().flatten();
    let read = |entry: fs::DirEntry| {
        let file = entry.file_name();
        let name = file.to_str()?.strip_prefix("folder-")?.strip_suffix(".conf")?;
        Some(Record::read(name, &fs::read_to_string(entry.path()).ok()?))
    };
    entries.filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the record does not say again what was written, or lines of somebody else are taken for it.
    #[test]
    fn says_what_was_allowed() {
        let access = |path: &str, was| Access { account: "pywats".into(), uid: 990, was, path: path.into() };
        let was = State {
            access: Before { entry: Some(4), mask: Some(7) },
            default: Some(Before { entry: None, mask: Some(5) }),
        };
        let record = Record {
            name: "ict".to_owned(),
            grants: vec![
                Grant::Pass(access("/home/op", State::default())),
                Grant::All(access("/home/op/a  \"b\" %n Prüfung ", was)),
                Grant::Label("/home/op/a b".into()),
                Grant::Boolean("pywats_use_nfs".to_owned()),
            ],
            lines: vec!["ProtectHome=no".to_owned(), "ReadWritePaths=\"-/home/op/a b\"".to_owned()],
        };
        assert_eq!(Record::read("ict", &record.text()), record, "{}", record.text());
        let strange =
            "# acl pywats 990 - none /a\n# acl\n# pass x y -/- none /a\n# acl p 1 9/- none /a\n# other /a\n";
        assert_eq!(Record::read("x", strange).grants, []);
    }
}
