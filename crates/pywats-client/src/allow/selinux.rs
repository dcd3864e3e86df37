//! What SELinux must allow for a folder: a label by semanage-fcontext(8), or a boolean by setsebool(8) where files carry
//! no labels. The types and booleans are those of `packaging/selinux/pywats_client.cil`.

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
/// The label of the program: what has another one runs as any service.
const PROGRAM: &str = "pywats_exec_t";
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

/// Whether a program has the label by which the service gets its domain.
pub fn confines(program: &Path) -> bool {
    type_of(program).is_some_and(|label| label == PROGRAM)
}

/// What is allowed for a folder, where this was allowed already.
pub(super) fn grants(path: &Path, records: &[Record]) -> Vec<Grant> {
    let is_on =
        |name: &str| fs::read_to_string(Path::new(BOOLEANS).join(name)).is_ok_and(|values| is_on(&values));
    let recorded = |grant: &Grant| records.iter().any(|record| record.grants.contains(grant));
    needed(path, &FileSystem::of(path), |name, grant| recorded(grant) || !is_on(name))
}

/// What SELinux may be asked about the file system that a folder is on.
#[derive(Clone, Copy)]
struct FileSystem {
    /// The boolean that allows it, if it is one of the network.
    boolean: Option<&'static str>,
    /// Each of its files has a label of its own, which can be changed.
    has_labels: bool,
}

impl FileSystem {
    fn of(path: &Path) -> FileSystem {
        FileSystem { boolean: boolean_of_file_system(path), has_labels: has_labels(path).unwrap_or(true) }
    }
}

/// Whether files carry labels there; nothing if the kernel does not say so.
pub(super) fn has_labels(path: &Path) -> Option<bool> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        let device = fs::metadata(path).ok()?.dev();
        let device = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
        mount_has_labels(&fs::read_to_string("/proc/self/mountinfo").ok()?, &device)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

/// The same, of a device and the mounts in proc_pid_mountinfo(5): SELinux adds `seclabel` to the options of a file
/// system whose files it can label, and not to those that are mounted with a `context`.
#[cfg(target_os = "linux")]
fn mount_has_labels(mounts: &str, device: &str) -> Option<bool> {
    let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some(device))?;
    let (_, of_file_system) = mount.split_once(" - ")?;
    Some(of_file_system.split(' ').nth(2)?.split(',').any(|option| option == "seclabel"))
}

/// A boolean that an administrator has switched on stays on: it is recorded only where it `is_ours`.
fn needed(path: &Path, place: &FileSystem, is_ours: impl Fn(&str, &Grant) -> bool) -> Vec<Grant> {
    let boolean = |name: &str| Some(Grant::Boolean(name.to_owned())).filter(|grant| is_ours(name, grant));
    if let Some(name) = place.boolean {
        return boolean(name).into_iter().collect();
    }
    // Not written as paths: a program that names no folder of whoever built it is what a test looks for.
    let is_home = ["home", "root"].iter().any(|home| path.starts_with(Path::new("/").join(home)));
    let homes = if is_home { boolean(HOMES) } else { None };
    let label = place.has_labels.then(|| Grant::Label(path.to_owned()));
    homes.into_iter().chain(label).collect()
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
        let disk = FileSystem { boolean: None, has_labels: true };
        let stick = FileSystem { has_labels: false, ..disk };
        let nfs = FileSystem { boolean: Some("pywats_use_nfs"), ..disk };
        let cifs = FileSystem { boolean: Some("pywats_use_cifs"), ..stick };
        for (path, place, ours, wanted) in [
            ("/srv/a b", disk, true, vec![label("/srv/a b")]),
            ("/home/op/r", disk, true, vec![boolean("pywats_enable_homedirs"), label("/home/op/r")]),
            ("/home/op/r", disk, false, vec![label("/home/op/r")]),
            ("/homes/op", disk, true, vec![label("/homes/op")]),
            ("/mnt/stick", stick, true, vec![]),
            ("/home/op/stick", stick, true, vec![boolean("pywats_enable_homedirs")]),
            ("/mnt/share", nfs, true, vec![boolean("pywats_use_nfs")]),
            ("/mnt/share", cifs, false, vec![]),
        ] {
            assert_eq!(needed(Path::new(path), &place, |_, _| ours), wanted, "{path}");
        }
        assert!(is_on("1 1") && !is_on("0 1"));
    }

    /// Fails if: files are to be labelled where they cannot be, or where they can be are not; or a mount is taken for
    /// another, or for one where the kernel says nothing.
    #[cfg(target_os = "linux")]
    #[test]
    fn labels_of_file_systems() {
        let mounts = "\
            21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,seclabel,errors=remount-ro\n\
            40 21 7:0 / /mnt/stick rw,relatime shared:2 - vfat /dev/loop0 rw,uid=990,fmask=0007\n\
            41 21 7:1 / /mnt/other rw shared:3 master:1 - vfat /dev/loop1 rw,context=system_u:object_r:pywats_watch_t:s0\n\
            42 21 7:2 / /mnt/\n";
        for (device, labels) in
            [("254:1", Some(true)), ("7:0", Some(false)), ("7:1", Some(false)), ("7:2", None), ("54:1", None)]
        {
            assert_eq!(mount_has_labels(mounts, device), labels, "{device}");
        }
    }

    /// Fails if: the policy does not have a type or a boolean that is named here.
    #[test]
    fn the_policy_has_them() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/selinux/pywats_client.cil");
        let policy = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for label in [LABEL, PROGRAM] {
            assert!(policy.contains(&format!("(type {label})")), "{label}");
        }
        #[cfg(target_os = "linux")]
        for (_, name) in REMOTE {
            assert!(policy.contains(&format!("(boolean {name} false)")), "{name}");
        }
        assert!(policy.contains(&format!("(boolean {HOMES} false)")));
    }
}
