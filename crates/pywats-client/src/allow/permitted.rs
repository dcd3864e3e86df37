//! Whether the SELinux policy that is loaded lets the service into a folder, by its labels and those on the way: the
//! kernel is asked, as libselinux's security_compute_av(3) does, through `/sys/fs/selinux/access`. What is written there
//! is `SUBJECT OBJECT CLASS`, and what is read begins with the permissions that are granted, in hexadecimal. The numbers
//! of classes and permissions are in `/sys/fs/selinux/class`
//! ([selinuxfs](https://github.com/SELinuxProject/selinux-notebook/blob/main/src/lsm_selinux.md)).

use super::above;
use super::selinux::has_labels;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

/// Where the kernel answers.
const SELINUX: &str = "/sys/fs/selinux";
/// The domain of the service, of `packaging/selinux/pywats_client.cil`.
const DOMAIN: &str = "system_u:system_r:pywats_t";
/// What it does to folders on the way, and to one that it watches.
const PASS: &[&str] = &["search"];
const USE: &[&str] = &["search", "read", "write", "add_name", "remove_name"];

/// What of a folder keeps the service out, and how that is mended. Nothing where the kernel gives no answer.
pub fn keeps_out(folder: &Path) -> Option<String> {
    let shut = |path: &Path, wanted| {
        let label = label(path)?;
        (!is_granted(&label, wanted)?).then_some(label)
    };
    let on_the_way = above(folder).into_iter().find_map(|path| shut(&path, PASS).map(|label| (path, label)));
    match on_the_way {
        // A folder that is mounted as another file system may be on the way, too.
        Some((path, label)) => Some(advice(&path, &label, has_labels(&path) != Some(false))),
        None => Some(advice(folder, &shut(folder, USE)?, false)),
    }
}

/// What is to be done about a folder with a label that keeps the service out.
fn advice(path: &Path, label: &str, can_be_changed: bool) -> String {
    let path = path.display();
    if can_be_changed {
        return format!(
            "SELinux lets the service not pass through {path}, which has the label {label}; run: restorecon -v {path}"
        );
    }
    format!(
        "SELinux keeps the service out of {path} for its label {label}, which its file system does not let change; mount \
         that with the option context=system_u:object_r:pywats_watch_t:s0"
    )
}

/// The label of a folder.
pub(super) fn label(path: &Path) -> Option<String> {
    let mut label = vec![0; 4096];
    let length = rustix::fs::getxattr(path, c"security.selinux", &mut label).ok()?;
    let text = std::str::from_utf8(label.get(..length)?).ok()?;
    Some(text.trim_end_matches('\0').to_owned())
}

/// Whether the service may do all of this to a folder with a label.
fn is_granted(label: &str, permissions: &[&str]) -> Option<bool> {
    let number = |name: &str| -> Option<u32> {
        let path = Path::new(SELINUX).join("class/dir").join(name);
        fs::read_to_string(path).ok()?.trim().parse().ok()
    };
    let mut wanted = 0;
    for permission in permissions {
        wanted |= 1 << number(&format!("perms/{permission}"))?.checked_sub(1)?;
    }
    let mut access =
        OpenOptions::new().read(true).write(true).open(Path::new(SELINUX).join("access")).ok()?;
    access.write_all(format!("{} {label} {}", subject(label), number("index")?).as_bytes()).ok()?;
    let mut answer = String::new();
    access.read_to_string(&mut answer).ok()?;
    Some(allowed(&answer)? & wanted == wanted)
}

/// The service's own label, with a level where labels have one.
fn subject(label: &str) -> String {
    let level = if label.splitn(4, ':').count() == 4 { ":s0" } else { "" };
    format!("{DOMAIN}{level}")
}

/// The permissions that an answer of the kernel grants.
fn allowed(answer: &str) -> Option<u32> {
    u32::from_str_radix(answer.split_whitespace().next()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the kernel is asked about a label that no policy of its kind has, or its answer is misread. The rest is
    /// proven on systems that enforce a policy: tests/vm/folders.py.
    #[test]
    fn question_and_answer() {
        assert_eq!(subject("system_u:object_r:etc_t:s0:c1,c2"), "system_u:system_r:pywats_t:s0");
        assert_eq!(subject("system_u:object_r:etc_t"), "system_u:system_r:pywats_t");
        assert_eq!(allowed("7b ffffffff 0 fffffffe 7 0"), Some(0x7b));
        assert_eq!(allowed("no"), None);
    }

    /// Fails if: restorecon is advised where no label can be changed, or a mount where one can be.
    #[test]
    fn advises_what_helps() {
        let label = "system_u:object_r:dosfs_t:s0";
        let mount = advice(Path::new("/mnt/stick"), label, false);
        assert!(
            mount.contains("out of /mnt/stick for its label") && mount.contains("option context="),
            "{mount}"
        );
        let restore = advice(Path::new("/srv"), label, true);
        assert!(restore.contains("restorecon -v /srv") && !restore.contains("mount"), "{restore}");
    }
}
