//! What SELinux must allow for a folder: a label by semanage-fcontext(8), or a boolean by setsebool(8) where files carry
//! no labels. The types and booleans are those of `packaging/selinux/pywats_client.cil`.
//!
//! Each is a line of the record: `# label - PATH`, `# boolean - NAME`.

use super::Step;
use std::fs;
use std::path::Path;

/// The label of folders that others put reports into.
const LABEL: &str = "pywats_watch_t";
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

/// The lines of the record for a folder, where `recorded` are those of other folders.
pub fn records(path: &Path, recorded: impl Fn(&str) -> bool) -> Vec<String> {
    let is_on =
        |name: &str| fs::read_to_string(Path::new(BOOLEANS).join(name)).is_ok_and(|values| is_on(&values));
    lines(path, boolean_of_file_system(path), |line, name| recorded(line) || !is_on(name))
}

/// A boolean that an administrator has switched on stays on: it is recorded only where it `is_ours`.
fn lines(path: &Path, remote: Option<&str>, is_ours: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let boolean = |name: &str| Some(format!("# boolean - {name}")).filter(|line| is_ours(line, name));
    if let Some(name) = remote {
        return boolean(name).into_iter().collect();
    }
    // Not written as paths: a program that names no folder of whoever built it is what a test looks for.
    let is_home = ["home", "root"].iter().any(|home| path.starts_with(Path::new("/").join(home)));
    let homes = if is_home { boolean(HOMES) } else { None };
    homes.into_iter().chain([format!("# label - {}", path.display())]).collect()
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

/// Whether a line of the record is one of these.
pub fn is_record(line: &str) -> bool {
    ["# label ", "# boolean "].iter().any(|start| line.starts_with(start))
}

/// The steps for a label.
pub fn label(path: &str) -> Vec<Step> {
    let pattern = format!("{}(/.*)?", escaped(path));
    let restore = words(&["restorecon", "-R", "-i", path]);
    vec![
        // Steps are undone from the last to the first: files are labelled anew when the pattern is gone.
        Step::Run(Vec::new(), restore.clone()),
        Step::Run(
            words(&["semanage", "fcontext", "-a", "-t", LABEL, &pattern]),
            words(&["semanage", "fcontext", "-d", &pattern]),
        ),
        Step::Run(restore, Vec::new()),
    ]
}

/// The step for a boolean.
pub fn boolean(name: &str) -> Vec<Step> {
    vec![Step::Run(words(&["setsebool", "-P", name, "on"]), words(&["setsebool", "-P", name, "off"]))]
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
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

/// Which package has a command that is missing.
pub fn package_of(program: &str) -> Option<&'static str> {
    match program {
        "semanage" => Some("policycoreutils-python-utils"),
        "setsebool" | "restorecon" => Some("policycoreutils"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a folder gets no label, files that carry none do, a home stays shut, or what an administrator has
    /// switched on would be switched off with the folder.
    #[test]
    fn label_or_boolean() {
        let nothing: &[&str] = &[];
        for (path, remote, ours, wanted) in [
            ("/srv/a b", None, true, &["# label - /srv/a b"][..]),
            ("/home/op/r", None, true, &["# boolean - pywats_enable_homedirs", "# label - /home/op/r"]),
            ("/home/op/r", None, false, &["# label - /home/op/r"]),
            ("/homes/op", None, true, &["# label - /homes/op"]),
            ("/mnt/share", Some("pywats_use_nfs"), true, &["# boolean - pywats_use_nfs"]),
            ("/mnt/share", Some("pywats_use_cifs"), false, nothing),
        ] {
            let found = lines(Path::new(path), remote, |_, _| ours);
            assert_eq!(found, wanted, "{path}");
            assert!(found.iter().all(|line| is_record(line)), "{found:?}");
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
