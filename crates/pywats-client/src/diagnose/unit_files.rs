//! The unit of the service by its files, where no systemd runs that could be asked: in a chroot, or while an image is made.
//!
//! Which files count, and in which order, says
//! [systemd.unit(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html#Unit%20File%20Load%20Path).

use super::sandbox::{PROPERTIES, Unit};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Where units are, the folder first that wins.
const FOLDERS: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];

/// Settings of which the last line counts; of all others, lines add to those before.
const SINGLE: [&str; 5] = ["User", "Group", "ProtectHome", "ProtectSystem", "PrivateTmp"];

/// The unit of that name in a file system, with its drop-ins; `None` if there is none, or it is masked.
pub(super) fn read(root: &Path, name: &str) -> Option<Unit> {
    let unit = FOLDERS.iter().find_map(|folder| fs::read_to_string(root.join(folder).join(name)).ok())?;
    if unit.is_empty() {
        return None; // a link to /dev/null
    }
    let mut drop_ins: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for folder in FOLDERS.iter().rev() {
        let folder = root.join(folder).join(format!("{name}.d"));
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let files = files.filter(|file| file.path().extension() == Some("conf".as_ref()));
        drop_ins.extend(files.map(|file| (file.file_name(), file.path())));
    }
    let texts = drop_ins.into_values().filter_map(|file| fs::read_to_string(file).ok());
    let mut values: BTreeMap<&str, String> = BTreeMap::new();
    for text in [unit].into_iter().chain(texts) {
        take(&text, &mut values);
    }
    let mut shown = "LoadState=loaded\n".to_owned();
    for (name, value) in values {
        // Into a text this cannot fail.
        let _ = writeln!(shown, "{name}={value}");
    }
    Unit::read(&shown)
}

/// Takes the settings of a file over those before.
fn take(text: &str, values: &mut BTreeMap<&str, String>) {
    let mut section = "";
    let text = text.replace("\\\n", " ");
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| section == "[Service]") else { continue };
        let Some(name) = PROPERTIES.iter().find(|name| **name == key.trim()) else { continue };
        let value = match value.trim() {
            "true" | "on" | "1" => "yes",
            "false" | "off" | "0" => "no",
            value => value,
        };
        let before = values.entry(name).or_default();
        if value.is_empty() || SINGLE.contains(name) {
            value.clone_into(before);
        } else {
            before.push_str(&format!(" {value}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the packaged unit forbids less by its files than systemd says of it, a drop-in does not count or counts
    /// twice, or a masked unit passes for one.
    #[test]
    fn by_its_files() {
        let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/systemd");
        let unit = fs::read_to_string(packaging.join("pywats-client.service")).unwrap();
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let read = || read(root.path(), "pywats-client.service");
        assert_eq!(read(), None);
        write("usr/lib/systemd/system/pywats-client.service", &unit);
        let forbids = |folder: &str| Some(read()?.forbids(Path::new(folder))?.lines);
        assert_eq!(forbids("/srv/ict"), Some(vec!["ReadWritePaths=-/srv/ict".to_owned()]));
        let home = Path::new("/").join("home").join("op/ict").display().to_string();
        assert_eq!(forbids(&home).map(|lines| lines[0].clone()), Some("ProtectHome=no".to_owned()));
        assert_eq!((forbids("/var/lib/pywats/watch"), forbids("/run/pywats")), (None, None));
        assert_eq!(read().unwrap().get("User"), "pywats");

        let drop_in = |folder: &str, name: &str| format!("{folder}/pywats-client.service.d/{name}");
        write(
            &drop_in("usr/lib/systemd/system", "50-x.conf"),
            "[Unit]\nUser=no\n[Service]\nReadWritePaths=-/srv/ict\nUser=station\n",
        );
        write(&drop_in("etc/systemd/system", "60-y.conf"), "[Service]\nReadWritePaths=/srv/a \\\n /srv/b\n");
        assert_eq!((forbids("/srv/ict"), forbids("/srv/b"), forbids("/run/pywats")), (None, None, None));
        assert_eq!(read().unwrap().get("User"), "station");
        // The same name in /etc stands for that of the package; an empty line forgets those before.
        write(&drop_in("etc/systemd/system", "50-x.conf"), "[Service]\nReadWritePaths=\nPrivateTmp=false\n");
        assert!(forbids("/srv/ict").is_some() && forbids("/run/pywats").is_some());
        assert_eq!((forbids("/srv/a"), read().unwrap().get("PrivateTmp")), (None, "no"));

        write("etc/systemd/system/pywats-client.service", "");
        assert_eq!(read(), None);
    }
}
