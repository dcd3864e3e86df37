//! Which folders get which owner and access rights, and which are removed with everything in them.
//!
//! All of it is read before anything is changed.

use crate::records;
use wats_settings::folder::windows as paths;

/// A folder that is secured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secured<'a> {
    /// The folder gets the rights, and everything in it inherits them.
    Tree {
        /// The folder.
        path: &'a str,
        /// Its rights.
        sddl: &'a str,
        /// Whether it was not there a moment ago, so that nothing in it may be a standard user's.
        new: bool,
        /// Files that are set aside if a standard user wrote them. If he made the folder, another takes its place.
        /// Without names, standard users may have made neither the folder nor anything in it.
        believed: Vec<&'a str>,
    },
    /// The folder gets the rights; what is in it stays as it is.
    Alone {
        /// The folder.
        path: &'a str,
        /// Its rights.
        sddl: &'a str,
    },
    /// A folder that is not there is made with the rights; one that is lets the account in.
    Drop {
        /// The folder; empty if nobody chose one.
        path: &'a str,
        /// The rights of a new one.
        sddl: &'a str,
        /// The identifier of the account.
        account: &'a str,
    },
}

const OF: &str = "the folders";

/// Reads the data of `SecureFolders`.
///
/// | record | is |
/// |---|---|
/// | `tree` or `new-tree`, path, SDDL, names | [`Secured::Tree`] |
/// | `folder`, path, SDDL | [`Secured::Alone`] |
/// | `drop`, path, SDDL, account | [`Secured::Drop`] |
///
/// # Errors
/// If a record is none of these.
pub fn read(data: &str) -> Result<Vec<Secured<'_>>, String> {
    records::parse(data)?.into_iter().map(|record| secured(&record)).collect()
}

fn secured<'a>(record: &[&'a str]) -> Result<Secured<'a>, String> {
    let [kind, path, rest @ ..] = record else { return Err(records::unknown(OF, record)) };
    if rest.contains(&"") || path.is_empty() && *kind != "drop" {
        return Err(records::unknown(OF, record));
    }
    match (*kind, rest) {
        ("tree" | "new-tree", [sddl, believed @ ..]) => {
            Ok(Secured::Tree { path, sddl, new: *kind == "new-tree", believed: believed.to_vec() })
        }
        ("folder", [sddl]) => Ok(Secured::Alone { path, sddl }),
        ("drop", [sddl, account]) => Ok(Secured::Drop { path, sddl, account }),
        _ => Err(records::unknown(OF, record)),
    }
}

impl Secured<'_> {
    /// The record that [`read`] reads.
    pub fn record(&self) -> String {
        match self {
            Secured::Tree { path, sddl, new, believed } => {
                let kind = if *new { "new-tree" } else { "tree" };
                [&[kind, path, sddl], &believed[..]].concat().join("|")
            }
            Secured::Alone { path, sddl } => format!("folder|{path}|{sddl}"),
            Secured::Drop { path, sddl, account } => format!("drop|{path}|{sddl}|{account}"),
        }
    }
}

/// Reads the data of `PurgeData`: a record `purge` and a folder each, which are removed with everything in them.
///
/// # Errors
/// If a record is another, or the folder a whole drive or share.
pub fn purged(data: &str) -> Result<Vec<&str>, String> {
    let folder = |record: Vec<_>| match record[..] {
        ["purge", path] if paths::is_full(path) && !paths::is_root(path) => Ok(path),
        _ => Err(records::unknown("what is purged", &record)),
    };
    records::parse(data)?.into_iter().map(folder).collect()
}

/// Reads the data of `AwaitProgram`: a record `program` and a file.
///
/// # Errors
/// If it is anything else.
pub fn program(data: &str) -> Result<&str, String> {
    match records::parse(data)?[..] {
        [ref record]
            if let ["program", path] = record[..]
                && paths::is_full(path) =>
        {
            Ok(path)
        }
        ref records => Err(records::unknown("what is waited for", &records.concat())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a right or a name is lost on the way, or what is not understood is passed over.
    #[test]
    fn reads_folders() {
        let data = "tree|C:\\p\\|O:BA\ntree|C:\\d\\|O:BA|config.json|token\nnew-tree|C:\\n|O:BA|x\n\
                    folder|C:\\d\\watch|O:SY\ndrop||O:SY|S-1-5-80-1\ndrop|D:\\in|O:SY|S-1-5-80-1";
        let read = read(data).unwrap();
        let again: Vec<String> = read.iter().map(Secured::record).collect();
        assert_eq!(again.join("\n"), data);
        let believed = vec!["config.json", "token"];
        assert_eq!(read[1], Secured::Tree { path: r"C:\d\", sddl: "O:BA", new: false, believed });
    }

    /// Fails if: the program that is waited for is another, or what is not understood is passed over.
    #[test]
    fn reads_a_program() {
        assert_eq!(program("program|C:\\p\\c.exe"), Ok("C:\\p\\c.exe"));
        for data in
            ["", "program", "program|c.exe", "program|C:\\c.exe|x", "program|C:\\a\nprogram|C:\\b", "x|C:\\c"]
        {
            program(data).unwrap_err();
        }
    }

    /// Fails if: what is not understood is passed over.
    #[test]
    fn refuses_what_it_does_not_understand() {
        for record in [
            "tree",
            "tree|C:\\p",
            "tree||O:BA",
            "tree|C:\\p|",
            "tree|C:\\p|O:BA||token",
            "folder",
            "folder|C:\\p",
            "folder||O:BA",
            "folder|C:\\p|O:BA|x",
            "drop|C:\\p|O:BA",
            "drop|C:\\p|O:BA|",
            "drop|C:\\p|O:BA|S-1|x",
            "old-tree|C:\\p|O:BA",
            "|C:\\p|O:BA",
        ] {
            let reason = read(&format!("folder|C:\\x|O:BA\n{record}")).unwrap_err();
            assert!(reason.contains(&format!("{record:?}")), "{record}: {reason}");
        }
        assert!(read("").is_err());
    }

    /// Fails if: a whole drive is removed, or something that is no folder's full path.
    #[test]
    fn purges_folders_only() {
        assert_eq!(purged("purge|C:\\ProgramData\\pyWATS\\").unwrap(), [r"C:\ProgramData\pyWATS\"]);
        for record in [
            "purge|",
            "purge|C:\\",
            "purge|pyWATS",
            "purge|\\\\s\\share",
            "C:\\ProgramData\\x",
            "purge|C:\\x|y",
            "",
        ] {
            assert!(purged(record).is_err(), "{record}");
        }
    }
}
