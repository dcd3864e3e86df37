//! What SELinux must allow for a folder: a label by semanage-fcontext(8), or a boolean by setsebool(8) where files carry
//! no labels. The types and booleans are those of `packaging/selinux/pywats_client.cil`.
//!
use super::record::{Grant, Record};
use super::{Step, command};
use std::fs;
use std::path::Path;

/// What is run, and the packages that have it on Debian and Enterprise Linux alike.
pub const PACKAGES: [(&str, &str); 3] = [
    ("semanage", "policycoreutils-python-utils"),
    ("restorecon", "policycoreutils"),
    ("setsebool", "policycoreutils"),
];

/// The label of folders that others put reports into.
const LABEL: &str = "pywats_watch_t";
/// The type of what has no label. Nothing can be given it.
const UNLABELED: &str = "unlabeled_t";
/// What lets the service into people's homes.
const HOMES: &str = "pywats_enable_homedirs";
/// Where the kernel shows the booleans of the loaded policy, with their values now and next.
const BOOLEANS: &str = "/sys/fs/selinux/booleans";
/// File systems without labels, by the numbers of statfs(2), and what allows them.
#[cfg(target_os = "linux")]
const REMOTE: &[(u32, &str)] = &[
    (0x6969, "pywats_use_nfs"),
    (0x517B, "pywats_use_cifs"),      // smbfs
    (0xFF53_4D42, "pywats_use_cifs"), // cifs
    (0xFE53_4D42, "pywats_use_cifs"), // smb3
];

/// Whether SELinux is enabled, and the policy that is loaded knows the service.
pub fn is_known() -> bool {
    Path::new(BOOLEANS).join(HOMES).exists()
}

/// What is allowed for a folder, where this was allowed already.
pub(super) fn grants(path: &Path, records: &[Record]) -> Vec<Grant> {
    let is_on =
        |name: &str| fs::read_to_string(Path::new(BOOLEANS).join(name)).is_ok_and(|values| is_on(&values));
    let recorded = |grant: &Grant| records.iter().any(|record| record.grants.contains(grant));
    needed(path, boolean_of_file_system(path), |name, grant| recorded(grant) || !is_on(name))
}

/// A boolean that an administrator has switched on stays on: it is recorded only where it `is_ours`.
fn needed(path: &Path, remote: Option<&str>, is_ours: impl Fn(&str, &Grant) -> bool) -> Vec<Grant> {
    let boolean = |name: &str| Some(Grant::Boolean(name.to_owned())).filter(|grant| is_ours(name, grant));
    if let Some(name) = remote {
        return boolean(name).into_iter().collect();
    }
    // Not written as paths: a program that names no folder of whoever built it is what a test looks for.
    let is_home = ["home", "root"].iter().any(|home| path.starts_with(Path::new("/").join(home)));
    let homes = if is_home { boolean(HOMES) } else { None };
    homes.into_iter().chain([Grant::Label(path.to_owned())]).collect()
}

fn is_on(values: &str) -> bool {
    values.starts_with('1')
}

fn boolean_of_file_system(path: &Path) -> Option<&'static str> {
    #[cfg(target_os = "linux")]
    #[allow(clippy::unnecessary_cast, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // differs between systems
    return rustix::fs::statfs(path).ok().and_then(|stat| {
        let found = REMOTE.iter().find(|(number, _)| *number == stat.f_type as u32);
        found.map(|(_, name)| *name)
    });
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

/// The steps for a label. Undone from the last to the first: the rule must go before what is there gets its old label.
pub fn label(path: &Path) -> [Step; 2] {
    // What a new folder gets there. Of many places, as below /mnt, the policy knows no label that it could give back.
    let above = path.parent().and_then(type_of).filter(|label| path.exists() && label != UNLABELED);
    let path = path.display().to_string();
    let pattern = format!("{}(/.*)?", escaped(&path));
    let mut relabelled = vec![command(&["semanage", "fcontext", "-d", &pattern])];
    relabelled.extend(above.map(|label| command(&["chcon", "-R", "-t", &label, "--", &path])));
    // `-i`: a folder that is gone needs no label.
    let back = vec![command(&["restorecon", "-R", "-i", &path])];
    [
        Step::Run(command(&["semanage", "fcontext", "-a", "-t", LABEL, &pattern]), back),
        Step::Run(command(&["restorecon", "-R", &path]), relabelled),
    ]
}

/// The type of what is there, of its label `USER:ROLE:TYPE:LEVEL`.
fn type_of(path: &Path) -> Option<String> {
    #[cfg(target_os = "linux")]
    return super::permitted::label(path)?.split(':').nth(2).map(str::to_owned);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

/// The step for a boolean.
pub fn boolean(name: &str) -> Step {
    Step::Run(command(&["setsebool", "-P", name, "on"]), vec![command(&["setsebool", "-P", name, "off"])])
}

/// A path as a pattern that fits nothing else.
fn escaped(path: &str) -> String {
    let mut pattern = String::new();
    for character in path.chars() {
        if r"\.+*?()[]{}^$|".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a folder gets no label, files that carry none do, a home stays shut, or what an administrator has
    /// switched on would be switched off with the folder.
    #[test]
    fn label_or_boolean() {
        let label = |path: &str| Grant::Label(path.into());
        let boolean = |name: &str| Grant::Boolean(name.to_owned());
        for (path, remote, ours, wanted) in [
            ("/srv/a b", None, true, vec![label("/srv/a b")]),
            ("/home/op/r", None, true, vec![boolean("pywats_enable_homedirs"), label("/home/op/r")]),
            ("/home/op/r", None, false, vec![label("/home/op/r")]),
            ("/homes/op", None, true, vec![label("/homes/op")]),
            ("/mnt/share", Some("pywats_use_nfs"), true, vec![boolean("pywats_use_nfs")]),
            ("/mnt/share", Some("pywats_use_cifs"), false, vec![]),
        ] {
            assert_eq!(needed(Path::new(path), remote, |_, _| ours), wanted, "{path}");
        }
        assert!(is_on("1 1") && !is_on("0 1"));
    }

    /// Fails if: the policy does not have a type or a boolean that is named here.
    #[test]
    fn the_policy_has_them() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/selinux/pywats_client.cil");
        let policy = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(policy.contains(&format!("(type {LABEL})")));
        #[cfg(target_os = "linux")]
        for (_, name) in REMOTE {
            assert!(policy.contains(&format!("(boolean {name} false)")), "{name}");
        }
        assert!(policy.contains(&format!("(boolean {HOMES} false)")));
    }
}
