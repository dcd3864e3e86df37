//! The account of the service on macOS, made by [dscl(1)](https://keith.github.io/xcode-man-pages/dscl.1.html) as the
//! package makes it, and the folders that belong to it.
//!
//! Accounts of services begin with an underscore and have numbers from 200 to 400. macOS takes from the beginning: it
//! took 300 to 304 in version 15. So the highest free number is taken.

use super::super::steps::{Step, undo};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::Path;
use std::rc::Rc;

/// The account, and its group.
pub(super) const ACCOUNT: &str = "_pywats";
/// The group that may drop reports: all people with an account on this Mac.
pub(super) const DROPPERS: &str = "staff";
/// The group that may read what became of them.
pub(super) const READERS: &str = "admin";

/// Runs `dscl . ARGUMENTS`.
pub(super) type Dscl = Rc<dyn Fn(&[&str]) -> Result<String, String>>;

/// Makes the account where it is missing. It stays when the rest fails: an account that is there harms nobody, and its
/// number must not go to another one.
pub(super) fn step(dscl: Dscl) -> Step {
    Step::new(format!("make the account {ACCOUNT} and its group, where they are missing"), move || {
        make(&*dscl).map(|()| None)
    })
}

fn make(dscl: &dyn Fn(&[&str]) -> Result<String, String>) -> Result<(), String> {
    let group = format!("/Groups/{ACCOUNT}");
    let gid = match number(dscl, &group, "PrimaryGroupID") {
        Some(gid) => gid,
        None => {
            let gid = free(dscl)?;
            create(
                dscl,
                &group,
                &[("PrimaryGroupID", &gid.to_string()), ("RealName", "pyWATS Client"), ("Password", "*")],
            )?;
            gid
        }
    };
    let user = format!("/Users/{ACCOUNT}");
    if number(dscl, &user, "UniqueID").is_some() {
        return Ok(());
    }
    create(
        dscl,
        &user,
        &[
            ("UniqueID", &free(dscl)?.to_string()),
            ("PrimaryGroupID", &gid.to_string()),
            ("RealName", "pyWATS Client"),
            ("NFSHomeDirectory", "/var/empty"),
            ("UserShell", "/usr/bin/false"),
            ("Password", "*"),
            ("IsHidden", "1"),
        ],
    )
}

fn create(
    dscl: &dyn Fn(&[&str]) -> Result<String, String>,
    record: &str,
    properties: &[(&str, &str)],
) -> Result<(), String> {
    let made = dscl(&["-create", record]).and_then(|_| {
        properties.iter().try_for_each(|(name, value)| dscl(&["-create", record, name, value]).map(drop))
    });
    // Half a record would pass for a whole one the next time.
    made.inspect_err(|_| drop(dscl(&["-delete", record])))
}

/// A number of a record: `UniqueID: 399`.
fn number(dscl: &dyn Fn(&[&str]) -> Result<String, String>, record: &str, name: &str) -> Option<u32> {
    let text = dscl(&["-read", record, name]).ok()?;
    text.split_whitespace().last()?.parse().ok()
}

/// The highest number that neither an account nor a group has; its own group may have it.
fn free(dscl: &dyn Fn(&[&str]) -> Result<String, String>) -> Result<u32, String> {
    let mut taken = Vec::new();
    for (folder, name) in [("/Users", "UniqueID"), ("/Groups", "PrimaryGroupID")] {
        let text = dscl(&["-list", folder, name])?;
        let numbers = text.lines().filter(|line| line.split_whitespace().next() != Some(ACCOUNT));
        taken.extend(numbers.filter_map(|line| line.split_whitespace().last()?.parse::<u32>().ok()));
    }
    (200..400)
        .rev()
        .find(|number| !taken.contains(number))
        .ok_or_else(|| format!("all numbers from 200 to 399 are taken; make the account {ACCOUNT} by hand"))
}

/// Makes a folder of the account where it is missing.
pub(super) fn folder(path: &'static str, group: &'static str, mode: u32, dscl: Dscl) -> Step {
    Step::new(format!("make the folder {path}, where it is missing"), move || {
        if Path::new(path).is_dir() {
            return Ok(None);
        }
        let uid = number(&*dscl, &format!("/Users/{ACCOUNT}"), "UniqueID");
        let gid = number(&*dscl, &format!("/Groups/{group}"), "PrimaryGroupID");
        let failed = |error: std::io::Error| format!("{path}: {error}");
        DirBuilder::new().mode(0o700).create(path).map_err(failed)?;
        let given = chown(path, uid, gid)
            .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
            .map_err(failed);
        // Only what is empty: reports that came meanwhile stay.
        let back = move || {
            drop(fs::remove_dir(path));
            Ok(())
        };
        match given {
            Ok(()) => Ok(undo(back)),
            Err(error) => back().and(Err(error)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    type Records = BTreeMap<String, BTreeMap<String, String>>;

    /// A directory service with these numbers of users and groups; it refuses to write this property.
    fn directory(users: &[u32], groups: &[u32], refused: &'static str) -> (Rc<RefCell<Records>>, Dscl) {
        let mut records = Records::new();
        for (folder, name, numbers) in [("/Users", "UniqueID", users), ("/Groups", "PrimaryGroupID", groups)]
        {
            for number in numbers {
                let properties = BTreeMap::from([(name.to_owned(), number.to_string())]);
                records.insert(format!("{folder}/other{number}"), properties);
            }
        }
        let records = Rc::new(RefCell::new(records));
        let shared = Rc::clone(&records);
        let dscl = move |arguments: &[&str]| match arguments {
            ["-list", folder, name] => {
                let records = shared.borrow();
                let of_folder = records.iter().filter(|(path, _)| path.starts_with(*folder));
                let line = |(path, properties): (&String, &BTreeMap<String, String>)| {
                    format!(
                        "{}  {}\n",
                        path.rsplit('/').next().unwrap(),
                        properties.get(*name).map_or("", |n| n)
                    )
                };
                Ok(of_folder.map(line).collect())
            }
            ["-read", record, name] => {
                let found =
                    shared.borrow().get(*record).and_then(|properties| properties.get(*name).cloned());
                found.map(|value| format!("{name}: {value}\n")).ok_or_else(|| "eDSRecordNotFound".to_owned())
            }
            ["-create", record] => {
                shared.borrow_mut().entry((*record).to_owned()).or_default();
                Ok(String::new())
            }
            ["-create", _, name, _] if *name == refused => Err("eDSPermissionError".to_owned()),
            ["-create", record, name, value] => {
                let mut records = shared.borrow_mut();
                records.get_mut(*record).unwrap().insert((*name).to_owned(), (*value).to_owned());
                Ok(String::new())
            }
            ["-delete", record] => {
                shared.borrow_mut().remove(*record);
                Ok(String::new())
            }
            other => panic!("{other:?}"),
        };
        (records, Rc::new(dscl))
    }

    /// Fails if: a number is taken that a user or a group has, or one outside of those for services; an account is made
    /// twice; or half of one stays.
    #[test]
    fn accounts_are_made_once() {
        let every: Vec<u32> = (200..400).collect();
        let (least, low) = (&every[1..], &every[..199]);
        /// Users, groups, what is refused, and the number of the account, or why there is none.
        type Case<'a> = (&'a [u32], &'a [u32], &'a str, Result<u32, &'a str>);
        let cases: [Case<'_>; 6] = [
            (&[1, 501], &[20], "", Ok(399)),
            (&[399, 397], &[398], "", Ok(396)),
            (low, &[399, 300], "", Err("all numbers")),
            (least, &[], "", Ok(200)),
            (&[], &[], "UserShell", Err("eDSPermissionError")),
            (&[], &[], "RealName", Err("eDSPermissionError")),
        ];
        for (users, groups, refused, expected) in cases {
            let (records, dscl) = directory(users, groups, refused);
            let made = make(&*dscl);
            let user = records.borrow().get("/Users/_pywats").cloned();
            match expected {
                Ok(number) => {
                    made.unwrap();
                    assert_eq!(user.unwrap()["UniqueID"], number.to_string());
                    assert_eq!(records.borrow()["/Groups/_pywats"]["PrimaryGroupID"], number.to_string());
                    let before = records.borrow().clone();
                    make(&*dscl).unwrap();
                    assert_eq!(*records.borrow(), before, "made a second time");
                }
                Err(part) => {
                    assert!(made.clone().unwrap_err().contains(part), "{made:?}");
                    assert_eq!(user, None);
                }
            }
        }
    }
}
