//! What the service may see and do, for root, who may do everything: its account is asked by becoming it in a thread
//! of its own, and its unit by its settings. Nothing is said of a configuration that is not the service's.

use super::Hindrances;
use super::sandbox::{PROPERTIES, Unit};
use super::unit_files;
use crate::allow::{Needs, above};
use crate::config::{Loaded, default_path};
use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, openat};
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Name of the unit, and of the account where no unit says another.
const UNIT: &str = "pywats-client";
const ACCOUNT: &str = "pywats";
/// What systemd makes when the packaged unit starts, where it cannot be asked.
const STATE: &str = "/var/lib/pywats";

/// What the service does in a folder.
const READ_AND_WRITE: Access = Access::READ_OK.union(Access::WRITE_OK).union(Access::EXEC_OK);

/// The account of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

/// Finds what hinders the service, if this is root and the configuration is that of the service.
pub(super) fn hindrances(loaded: &Loaded) -> Hindrances {
    if !rustix::process::geteuid().is_root() {
        return Hindrances::default();
    }
    let unit = unit();
    let of_unit = unit.as_ref().and_then(|unit| unit.variable("PYWATS_CONFIG")).map(PathBuf::from);
    if loaded.path != of_unit.unwrap_or_else(default_path) {
        return Hindrances::default();
    }
    let account = account(unit.as_ref());
    let server = &loaded.config.server;
    let files = [Some(&loaded.path), server.token_file.as_ref(), server.ca_file.as_ref()];
    let config = &loaded.config;
    let mut folders = vec![("data folder", config.client.data_dir.clone())];
    for folder in config.watch_folders() {
        folders.extend([
            ("watch folder", folder.path),
            ("done folder", folder.done),
            ("failed folder", folder.failed),
        ]);
    }
    let denied_files =
        files.into_iter().flatten().filter_map(|path| unreadable(path, unit.as_ref(), account.as_ref()));
    let mut found = Hindrances { files: denied_files.collect(), folders: Vec::new() };
    let mut denied: Vec<&Path> = Vec::new();
    for (name, path) in &folders {
        // What hinders a folder hinders those in it.
        if !denied.iter().any(|above| path.starts_with(above))
            && let Some(why) = unusable(path, unit.as_ref(), account.as_ref())
        {
            denied.push(path);
            found.folders.push(format!("{name} {}: {why}", path.display()));
        }
    }
    found
}

/// What must be allowed so that the service can use a folder that is there, whatever was allowed for other folders.
pub(super) fn needs(path: &Path, added: &[String]) -> Needs {
    let unit = unit().map(|unit| unit.without(added));
    let lines = unit.as_ref().and_then(|unit| unit.forbids(path)).map(|ban| ban.lines).unwrap_or_default();
    let Some(account) = account(unit.as_ref()) else { return Needs { lines, ..Needs::default() } };
    let may = |folder: &Path, wanted: Access| {
        // Opened by this account: those above must not count.
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, folder, flags, Mode::empty()).ok()?;
        account.run(|| accessat(&folder, c".", wanted, AtFlags::empty()).is_ok())
    };
    let pass = above(path).into_iter().filter(|folder| may(folder, Access::EXEC_OK) == Some(false)).collect();
    // Where this account cannot become that one, everything is said that may be needed.
    let write = may(path, READ_AND_WRITE) != Some(true);
    Needs { account: account.name, uid: account.uid, pass, write, within: false, lines }
}

/// Why the service's account cannot use a folder that is there, whatever its unit says.
pub(super) fn forbidden(path: &Path) -> Option<String> {
    unusable(path, None, account(unit().as_ref()).as_ref())
}

/// The unit as systemd has loaded it, or as one will load it where none runs.
fn unit() -> Option<Unit> {
    let mut command = Command::new("systemctl");
    command.arg("show").arg(format!("{UNIT}.service")).stdin(Stdio::null());
    command.args(PROPERTIES.iter().map(|name| format!("--property={name}")));
    let said = command.output().map(|output| output.stdout).unwrap_or_default();
    if said.is_empty() {
        return unit_files::read(Path::new("/"), &format!("{UNIT}.service"));
    }
    Unit::read(&String::from_utf8_lossy(&said))
}

/// Why the service cannot read a file.
fn unreadable(path: &Path, unit: Option<&Unit>, account: Option<&Account>) -> Option<String> {
    if !path.exists() {
        return None; // which is said elsewhere
    }
    if let Some(ban) = unit.and_then(|unit| unit.forbids(path)).filter(|ban| ban.hidden) {
        return Some(format!("{} {}", path.display(), ban.describe(UNIT)));
    }
    let account = account?;
    let (may_read, barrier) = account.run(|| (can_read(path), barrier(path)))?;
    if may_read {
        return None;
    }
    let (name, file) = (&account.name, path.display());
    Some(match barrier {
        Some(folder) => format!(
            "{file}: the account {name} of the service may not pass through {0}; run: setfacl -m u:{name}:x {0}",
            folder.display()
        ),
        None => format!(
            "{file}: the account {name} of the service may not read it; run: chgrp {} {file} && chmod g+r {file}",
            account.gid
        ),
    })
}

/// Why the service cannot use a folder.
fn unusable(path: &Path, unit: Option<&Unit>, account: Option<&Account>) -> Option<String> {
    if let Some(ban) = unit.and_then(|unit| unit.forbids(path)) {
        return Some(ban.describe(UNIT));
    }
    let account = account?;
    let name = &account.name;
    let (may_write, barrier) = account.run(|| (can_write(path), barrier(path)))?;
    if let Some(folder) = barrier {
        return Some(format!(
            "the account {name} of the service may not pass through {0}; run: setfacl -m u:{name}:x {0}",
            folder.display()
        ));
    }
    // One that is missing is made by the service, if it may.
    let nearest = path.ancestors().find(|folder| folder.exists())?;
    if nearest == path {
        let why = format!(
            "the account {name} of the service may not read and write there; run: setfacl -m u:{name}:rwx -m \
             d:u:{name}:rwx {}",
            path.display()
        );
        return (!may_write).then_some(why);
    }
    let made_by_systemd = unit.map_or_else(|| path.starts_with(STATE), |unit| unit.is_own(path));
    let may_make = made_by_systemd || account.run(|| can_write(nearest))?;
    (!may_make).then(|| {
        format!(
            "does not exist, and the account {name} of the service may not make it in {}; run: install -d -o {} -g \
             {} {}",
            nearest.display(),
            account.uid,
            account.gid,
            path.display()
        )
    })
}

/// The first folder on the way to a path that may not be passed through.
fn barrier(path: &Path) -> Option<PathBuf> {
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    above.reverse();
    let may_pass = |folder: &&Path| accessat(CWD, *folder, Access::EXEC_OK, AtFlags::empty()).is_ok();
    let blocked = above.into_iter().find(|folder| !may_pass(folder))?;
    // A folder that is missing is no barrier.
    let is_there = accessat(CWD, blocked, Access::EXISTS, AtFlags::empty()).is_ok();
    is_there.then(|| blocked.to_path_buf())
}

fn can_read(path: &Path) -> bool {
    openat(CWD, path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).is_ok()
}

fn can_write(folder: &Path) -> bool {
    accessat(CWD, folder, READ_AND_WRITE, AtFlags::empty()).is_ok()
}

impl Account {
    /// Does something with the rights of this account only; `None` if the system does not let it.
    ///
    /// On Linux rights belong to a thread: this one has given up those of root when `ask` runs, and ends with it.
    fn run<T: Send>(&self, ask: impl FnOnce() -> T + Send) -> Option<T> {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let groups: Vec<Gid> = self.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
                let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
                set_thread_groups(&groups).ok()?;
                set_thread_res_gid(gid, gid, gid).ok()?;
                set_thread_res_uid(uid, uid, uid).ok()?;
                Some(ask())
            });
            thread.join().ok().flatten()
        })
    }
}

/// The account that the unit names, or else the usual one; none where the system has no such account.
fn account(unit: Option<&Unit>) -> Option<Account> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let group = fs::read_to_string("/etc/group").unwrap_or_default();
    let of_unit = |name: &str| unit.map(|unit| unit.get(name)).filter(|value| !value.is_empty());
    let name = of_unit("User").unwrap_or(ACCOUNT);
    account_of(name, of_unit("Group"), of_unit("SupplementaryGroups").unwrap_or_default(), &passwd, &group)
}

/// Looks an account up in passwd(5) and group(5). A number stands for itself.
fn account_of(
    name: &str,
    group_name: Option<&str>,
    more_groups: &str,
    passwd: &str,
    group: &str,
) -> Option<Account> {
    let entry = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let entry = entry.into_iter().find(|entry| entry.len() > 3 && (entry[0] == name || entry[2] == name));
    let number = |text: &str| text.parse::<u32>().ok();
    let uid = entry.as_ref().map_or_else(|| number(name), |entry| number(entry[2]))?;
    if uid == 0 {
        return None; // a service that runs as root may do everything
    }
    let lines =
        || group.lines().map(|line| line.split(':').collect::<Vec<_>>()).filter(|line| line.len() > 2);
    let gid_of = |wanted: &str| {
        lines().find(|line| line[0] == wanted).and_then(|line| number(line[2])).or_else(|| number(wanted))
    };
    let gid = match group_name {
        Some(group_name) => gid_of(group_name)?,
        None => entry.as_ref().and_then(|entry| number(entry[3]))?,
    };
    let member =
        lines().filter(|line| line.get(3).is_some_and(|members| members.split(',').any(|m| m == name)));
    let mut groups: Vec<u32> = member.filter_map(|line| number(line[2])).collect();
    groups.extend(more_groups.split_whitespace().filter_map(gid_of));
    Some(Account { name: name.to_owned(), uid, gid, groups })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, chown};

    /// Fails if: an account, its group or its further groups are misread.
    #[test]
    fn finds_the_account() {
        let passwd = "root:x:0:0::/root:/bin/sh\npywats:x:990:980::/var/lib/pywats:/usr/sbin/nologin\n";
        let group = "root:x:0:\npywats:x:980:\nstation:x:700:bob,pywats\nextra:x:701:\n";
        let found = |name, group_name, more| {
            let account = account_of(name, group_name, more, passwd, group)?;
            Some((account.uid, account.gid, account.groups))
        };
        let cases = [
            (found("pywats", None, ""), Some((990, 980, vec![700]))),
            (found("pywats", Some("extra"), "extra 702"), Some((990, 701, vec![700, 701, 702]))),
            (found("65534", Some("65534"), ""), Some((65534, 65534, vec![]))),
            (found("65534", None, ""), None),
            (found("root", None, ""), None),
            (found("nobody", None, ""), None),
            (found("pywats", Some("missing"), ""), None),
        ];
        for (found, wanted) in cases {
            assert_eq!(found, wanted);
        }
    }

    /// Fails if: what another account may do is judged by what root may do, or the way to it is not named.
    #[test]
    fn speaks_for_another_account() {
        if !rustix::process::geteuid().is_root() {
            return; // only root can become somebody else
        }
        let account = Account { name: "nobody".to_owned(), uid: 65534, gid: 65534, groups: Vec::new() };
        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(dir.path(), 0o755);
        let (own, locked, open) =
            (dir.path().join("own"), dir.path().join("locked"), dir.path().join("open"));
        for folder in [&own, &locked, &open, &locked.join("inner")] {
            fs::create_dir_all(folder).unwrap();
        }
        chown(&own, Some(65534), Some(65534)).unwrap();
        mode(&locked, 0o700);
        for (name, bits) in [("mine", 0o640), ("theirs", 0o644)] {
            fs::write(open.join(name), "x").unwrap();
            mode(&open.join(name), bits);
        }
        fs::write(locked.join("file"), "x").unwrap();
        mode(&locked.join("file"), 0o644);
        let folders = [
            (own.clone(), None),
            (own.join("new"), None),
            (open.clone(), Some("may not read and write there; run: setfacl -m u:nobody:rwx")),
            (open.join("new"), Some("may not make it in")),
            (locked.join("inner"), Some("may not pass through")),
        ];
        for (path, part) in folders {
            let found = unusable(&path, None, Some(&account));
            assert_eq!(found.is_some(), part.is_some(), "{}: {found:?}", path.display());
            assert!(found.unwrap_or_default().contains(part.unwrap_or_default()), "{}", path.display());
        }
        let files = [
            (open.join("theirs"), None),
            (open.join("missing"), None),
            (open.join("mine"), Some("may not read it; run: chgrp 65534")),
            (locked.join("file"), Some("may not pass through")),
        ];
        for (path, part) in files {
            let found = unreadable(&path, None, Some(&account));
            assert_eq!(found.is_some(), part.is_some(), "{}: {found:?}", path.display());
            assert!(found.unwrap_or_default().contains(part.unwrap_or_default()), "{}", path.display());
        }
        assert!(rustix::process::geteuid().is_root(), "this thread stays what it was");
    }
}
