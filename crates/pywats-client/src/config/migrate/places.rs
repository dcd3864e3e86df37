//! Where the Python client keeps its configuration. Its versions do not agree: all places are looked at.

use std::fs;
use std::path::{Path, PathBuf};

/// The files that are there, without the one of this client.
pub fn files(own: &Path) -> Vec<PathBuf> {
    let home = std::env::home_dir();
    let mut found = found(&machine(), home.as_deref());
    let own = fs::canonicalize(own).unwrap_or_else(|_| own.to_owned());
    found.retain(|path| fs::canonicalize(path).unwrap_or_else(|_| path.clone()) != own);
    found
}

/// The folders of the machine.
fn machine() -> Vec<PathBuf> {
    #[cfg(windows)]
    {
        let data = std::env::var_os("ProgramData").map_or_else(|| r"C:\ProgramData".into(), PathBuf::from);
        vec![data.join("pyWATS"), data.join("Virinco").join("pyWATS")]
    }
    #[cfg(not(windows))]
    vec!["/var/lib/pywats".into(), "/etc/pywats".into()]
}

/// The files below these folders of the machine and in the home of who asks.
fn found(machine: &[PathBuf], home: Option<&Path>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in machine {
        found.extend(
            names(folder).into_iter().filter(|path| is_of_service(path)).map(|name| folder.join(name)),
        );
        let instances = folder.join("instances");
        found.extend(names(&instances).iter().map(|id| instances.join(id).join("client_config.json")));
    }
    for place in [".pywats_client", ".config/pywats_client"] {
        found.extend(home.map(|home| home.join(place).join("config.json")));
    }
    found.retain(|path| path.is_file());
    found
}

/// `config.json`, or `config_<instance>.json`.
fn is_of_service(name: &Path) -> bool {
    let name = name.to_str().unwrap_or_default();
    name == "config.json" || name.starts_with("config_") && name.ends_with(".json")
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<PathBuf> = entries.map(|entry| entry.file_name().into()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a file at a usual place is not found, or another one is taken for one.
    #[test]
    fn usual_places() {
        let dir = tempfile::tempdir().unwrap();
        let mut expected = Vec::new();
        for (file, is_one) in [
            ("m/config.json", true),
            ("m/config_default.json", true),
            ("m/config_default.json.bak", false),
            ("m/instances/a/client_config.json", true),
            ("m/instances/a/service.lock", false),
            ("h/.pywats_client/config.json", true),
            ("h/config.json", false),
        ] {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "{}").unwrap();
            expected.extend(is_one.then_some(path));
        }
        assert_eq!(found(&[dir.path().join("m")], Some(&dir.path().join("h"))), expected);
    }
}
