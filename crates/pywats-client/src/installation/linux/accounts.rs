//! The accounts of [sysusers.d(5)](https://www.freedesktop.org/software/systemd/man/latest/sysusers.d.html), by
//! systemd-sysusers, or by useradd and groupadd where that is missing.

use super::super::steps::Step;
use super::super::tools::{self, ToolError, USUAL};
use std::fs;

/// The accounts that the packages make.
const ACCOUNTS: &str = include_str!("../../../../../packaging/systemd/sysusers.conf");

/// One line: an account or a group.
#[derive(Debug, PartialEq, Eq)]
enum Entry<'a> {
    Account { name: &'a str, comment: &'a str, home: &'a str },
    Group(&'a str),
}

/// Makes the accounts that are missing. They stay when the rest fails: an account that is there harms nobody, and its
/// number must not go to another one.
pub(super) fn step() -> Step {
    Step::new("make the account pywats and the group pywats-operators, where they are missing", || {
        match tools::run("systemd-sysusers", &["-"], ACCOUNTS, USUAL) {
            Ok(_) => {}
            Err(ToolError::Missing) => by_hand()?,
            Err(error) => return Err(error.text("systemd-sysusers")),
        }
        Ok(None)
    })
}

fn by_hand() -> Result<(), String> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let group = fs::read_to_string("/etc/group").unwrap_or_default();
    let known = |text: &str, name: &str| text.lines().any(|line| line.split(':').next() == Some(name));
    let run = |program: &str, arguments: &[&str]| {
        tools::run(program, arguments, "", USUAL).map(drop).map_err(|error| error.text(program))
    };
    for entry in entries() {
        let (Entry::Account { name, .. } | Entry::Group(name)) = entry;
        if !known(&group, name) {
            run("groupadd", &["--system", name])?;
        }
        if let Entry::Account { name, comment, home } = entry
            && !known(&passwd, name)
        {
            let shell = "/usr/sbin/nologin";
            run(
                "useradd",
                &[
                    "--system",
                    "--gid",
                    name,
                    "--comment",
                    comment,
                    "--home-dir",
                    home,
                    "--no-create-home",
                    "--shell",
                    shell,
                    name,
                ],
            )?;
        }
    }
    Ok(())
}

fn entries() -> Vec<Entry<'static>> {
    let lines = ACCOUNTS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(entry).collect()
}

/// `u NAME - "COMMENT" HOME` or `g NAME -`, which is all that the file has.
fn entry(line: &str) -> Option<Entry<'_>> {
    let mut words = line.split_whitespace();
    let (kind, name) = (words.next()?, words.next()?);
    match kind {
        "u" => {
            let (_, rest) = line.split_once('"')?;
            let (comment, home) = rest.split_once('"')?;
            Some(Entry::Account { name, comment, home: home.trim() })
        }
        "g" => Some(Entry::Group(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the file of the packages has something that is not made by hand.
    #[test]
    fn every_line_is_understood() {
        let account = Entry::Account { name: "pywats", comment: "pyWATS Client", home: "/var/lib/pywats" };
        assert_eq!(entries(), [account, Entry::Group("pywats-operators")]);
    }
}
