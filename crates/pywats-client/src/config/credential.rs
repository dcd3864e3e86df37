//! The token as a credential of systemd: a command is not handed it as the service is, so it looks where the service gets
//! it from. See `LoadCredential=` in
//! [systemd.exec(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#LoadCredential=ID:PATH).

use crate::allow::DROP_INS;
use std::fs;
use std::path::{Path, PathBuf};

/// The file that the unit of this machine names.
pub(super) fn of_the_unit() -> Option<PathBuf> {
    of_drop_ins(Path::new(DROP_INS))
}

/// The file that the last drop-in names, in the order in which systemd reads them.
fn of_drop_ins(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = files.filter(|file| file.extension() == Some("conf".as_ref())).collect();
    files.sort();
    let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    let mut found = None;
    for line in texts.collect::<Vec<_>>().iter().flat_map(|text| text.lines()) {
        match line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
            // An empty line forgets those before it.
            Some(("LoadCredential", "")) => found = None,
            Some(("LoadCredential", value)) => {
                found = value.strip_prefix("token:").map(PathBuf::from).or(found);
            }
            _ => {}
        }
    }
    found.filter(|file| file.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the file is found that the service does not get, or none.
    #[test]
    fn finds_what_the_service_is_handed() {
        let unit = |lines: &str| format!("# LoadCredential=token:/etc/no\n[Service]\n{lines}\n");
        for (first, second, expected) in [
            ("LoadCredential=token:/etc/pywats/token", "Nice=5", Some("/etc/pywats/token")),
            ("LoadCredential=token:/etc/a", "LoadCredential = token:/etc/b", Some("/etc/b")),
            ("LoadCredential=token:/etc/a", "LoadCredential=other:/etc/b", Some("/etc/a")),
            ("LoadCredential=token:/etc/a", "LoadCredential=", None),
            ("LoadCredential=token:name", "SetCredential=token:x", None),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("20.conf"), unit(second)).unwrap();
            fs::write(folder.path().join("10.conf"), unit(first)).unwrap();
            fs::write(folder.path().join("30.conf~"), unit("LoadCredential=token:/etc/old")).unwrap();
            assert_eq!(of_drop_ins(folder.path()), expected.map(PathBuf::from), "{first} {second}");
        }
        assert_eq!(of_drop_ins(Path::new("/nonexistent")), None);
    }
}
