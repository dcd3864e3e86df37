//! Changing the configuration file as an administrator would: the order of its keys and what nobody knows stay, the
//! file keeps owner, group, mode and access list, and nothing is written that the service could not use.

mod lock;

use super::policy::Policies;
use super::settings::{SETTINGS, Setting, nearest};
use super::{Config, Loaded, Sources, duplicates, source, verdict};
use serde_json::{Map, Value};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Why the file was not changed.
#[derive(Debug, Error)]
pub enum EditError {
    /// There is no such setting.
    #[error("{0}: there is no such setting{1}")]
    Unknown(String, String),
    /// The value is not what the setting takes.
    #[error("{0}")]
    Value(String),
    /// A secret was given where other users can see it.
    #[error(
        "{0}: a secret on the command line can be seen by every user of this machine; write - in its place and give \
         the value by standard input"
    )]
    Secret(String),
    /// This account may not read the file.
    #[error("configuration {0}: this account may not read it; run this as an administrator")]
    Denied(PathBuf),
    /// The file that is there cannot be changed.
    #[error("configuration {0}: {1}; correct it by hand first")]
    Broken(PathBuf, String),
    /// The file is there already.
    #[error("configuration {0} exists already; change it with pywats-client config set")]
    Exists(PathBuf),
    /// The service could not work with the result.
    #[error("nothing was written, the service could not use it: {}", .0.join("; "))]
    Refused(Vec<String>),
    /// Another command changes the file, and goes on doing so.
    #[error("configuration {0}: another command is changing it; try again when that has ended")]
    Busy(PathBuf),
    /// The file cannot be written.
    #[error("configuration {0}: cannot be written: {1}{hint}", hint = hint(.1))]
    Write(PathBuf, io::Error),
}

/// What helps when the file cannot be written.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "; run this as an administrator",
        io::ErrorKind::ReadOnlyFilesystem => "; make that file system writable for so long",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space there",
        _ => "",
    }
}

/// The row of a setting, by its full name.
///
/// # Errors
/// If there is none, with the one that was meant.
pub fn setting(name: &str) -> Result<&'static Setting, EditError> {
    let found = SETTINGS.iter().find(|setting| setting.name() == name);
    found.ok_or_else(|| {
        let names: Vec<String> = SETTINGS.iter().map(Setting::name).collect();
        let meant = nearest(name, names.iter().map(String::as_str));
        let hint = meant.map_or_else(
            || "; pywats-client config show lists them".to_owned(),
            |meant| format!("; did you mean {meant}?"),
        );
        EditError::Unknown(name.chars().filter(|c| !c.is_control()).take(80).collect(), hint)
    })
}

/// The value that a person has written, as the file should have it: JSON where the setting takes that, else text.
///
/// # Errors
/// If the setting takes neither, or the value is a secret that came by the command line.
pub fn value_of(setting: &Setting, text: &str, on_command_line: bool) -> Result<Value, EditError> {
    let mut config = Config::new();
    let as_text = Value::from(text.trim());
    let as_json = serde_json::from_str::<Value>(text).ok().filter(|value| !value.is_string());
    let value = as_json
        .into_iter()
        .chain([as_text.clone()])
        .find(|value| (setting.read)(&mut config, value).is_some());
    let value = value.ok_or_else(|| EditError::Value(setting.not_usable(&as_text)))?;
    // What is not shown as it is, is secret.
    if on_command_line && (setting.show)(&config).is_some_and(|shown| shown.contains("****")) {
        return Err(EditError::Secret(setting.name()));
    }
    let name = setting.name();
    // Each by itself; a file that another setting names is for the judge of the whole.
    if ["server.url", "server.token", "server.proxy"].contains(&name.as_str()) {
        verdict::usable(&config).map_err(|why| EditError::Value(format!("{name}: {why}")))?;
    }
    Ok(value)
}

/// The file, to be changed.
#[derive(Clone, Debug)]
pub struct Document {
    path: PathBuf,
    exists: bool,
    root: Map<String, Value>,
    /// What it was when it was opened.
    opened: Map<String, Value>,
    /// The same without the settings that were changed: what is wrong with this one, no change has done.
    rest: Map<String, Value>,
    /// Others who change it wait for the end of this.
    _lock: Option<Arc<File>>,
}

impl Document {
    /// Opens the file, or begins a new one where there is none. As long as the document lives, other commands that
    /// open it wait: what one of them has written, the other must not undo.
    ///
    /// # Errors
    /// If it is there and cannot be read, is no JSON object, or another command does not end.
    pub fn open(path: &Path) -> Result<Document, EditError> {
        // Through a link, the file itself is changed.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let lock = lock::take(&path, lock::LONGEST)?;
        let broken = |why: String| EditError::Broken(path.clone(), why);
        let read = source::read_text(&path).map_err(|why| match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => EditError::Denied(path.clone()),
            _ => broken(why),
        });
        let Some(text) = read? else {
            return Ok(Document::of(path, false, Map::new(), lock));
        };
        if let Some(name) = duplicates::in_text(&text).first() {
            // Written anew, it would have only one of them.
            return Err(broken(duplicates::sentence(name)));
        }
        match serde_json::from_str(&text) {
            Ok(Value::Object(root)) => Ok(Document::of(path, true, root, lock)),
            Ok(_) => Err(EditError::Broken(path, "must be a JSON object".to_owned())),
            Err(error) => Err(EditError::Broken(path, format!("is not JSON: {error}"))),
        }
    }

    fn of(path: PathBuf, exists: bool, root: Map<String, Value>, lock: Option<File>) -> Document {
        Document { path, exists, opened: root.clone(), rest: root.clone(), root, _lock: lock.map(Arc::new) }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is there already.
    pub fn exists(&self) -> bool {
        self.exists
    }

    /// The value that the file has for a setting.
    pub fn get(&self, setting: &Setting) -> Option<&Value> {
        match setting.section {
            "" => self.root.get(setting.key),
            section => self.root.get(section)?.get(setting.key),
        }
    }

    /// Sets a value; `None` removes it, so that the default is in force.
    ///
    /// # Errors
    /// If the section is no object.
    pub fn set(&mut self, setting: &Setting, value: Option<Value>) -> Result<(), EditError> {
        let broken = |why| EditError::Broken(self.path.clone(), why);
        put(&mut self.root, setting, value).map_err(broken)?;
        put(&mut self.rest, setting, None).map_err(broken)
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        written(&self.root)
    }

    /// Judges it as `check` does with these sources, and as the service would that has the file alone.
    ///
    /// # Errors
    /// What the changes have made unusable. What was wrong before does not count: it must not forbid to mend something
    /// else.
    pub fn judge(&self, sources: &Sources) -> Result<Loaded, EditError> {
        let (now, opened) = (self.text(), self.exists.then(|| written(&self.opened)));
        let worse = |sources: &Sources| {
            let after = sources.load_text(Some(&now));
            let before = sources.load_text(opened.as_deref());
            let caused = verdict::caused(&before, &after, || sources.load_text(Some(&written(&self.rest))));
            (after, caused)
        };
        let (loaded, mut caused) = worse(sources);
        let (_, alone) = worse(&Sources::with(Some(self.path.clone()), |_| None, Policies::none));
        caused.extend(alone.into_iter().filter(|what| !caused.contains(what)).collect::<Vec<_>>());
        if caused.is_empty() { Ok(loaded) } else { Err(EditError::Refused(caused)) }
    }

    /// What the service would do with these sources if the file had not been changed.
    pub fn before(&self, sources: &Sources) -> Loaded {
        sources.load_text(self.exists.then(|| written(&self.opened)).as_deref())
    }

    /// Writes the file in one step, after it was judged; gives what there is to say about it.
    ///
    /// # Errors
    /// If the changes have made it unusable, or it cannot be written; then the old file stays.
    pub fn save(&self, sources: &Sources) -> Result<Loaded, EditError> {
        let loaded = self.judge(sources)?;
        self.write()?;
        Ok(loaded)
    }

    /// Writes the file in one step, whatever it says: to put back what was there, or to take something away.
    ///
    /// # Errors
    /// If it cannot be written; then the old file stays.
    pub fn write(&self) -> Result<(), EditError> {
        let failed = |error| EditError::Write(self.path.clone(), error);
        write(&self.path, self.text().as_bytes(), self.exists).map_err(failed)
    }
}

fn written(root: &Map<String, Value>) -> String {
    // Texts and numbers can always be written.
    serde_json::to_string_pretty(root).unwrap_or_default() + "\n"
}

/// Puts a value into an object, or takes it out, with a section that is empty then.
fn put(root: &mut Map<String, Value>, setting: &Setting, value: Option<Value>) -> Result<(), String> {
    let members = if setting.section.is_empty() {
        &mut *root
    } else {
        let section = root.entry(setting.section).or_insert(Value::Null);
        if section.is_null() {
            *section = Value::Object(Map::new());
        }
        section.as_object_mut().ok_or_else(|| format!("{} is no object", setting.section))?
    };
    match value {
        Some(value) => drop(members.insert(setting.key.to_owned(), value)),
        None => drop(members.shift_remove(setting.key)),
    }
    if members.is_empty() && !setting.section.is_empty() {
        root.shift_remove(setting.section);
    }
    Ok(())
}

/// Writes beside the file and takes its place, with the rights that it had.
fn write(path: &Path, bytes: &[u8], exists: bool) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    if !exists {
        fs::create_dir_all(folder)?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = folder.join(format!(".{name}.{}.new", std::process::id()));
    let result = write_new(&new, path, bytes, exists);
    if result.is_err() {
        drop(fs::remove_file(&new));
    }
    result
}

fn write_new(new: &Path, path: &Path, bytes: &[u8], exists: bool) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(new)?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    unix::rights(&file, path, exists)?;
    file.sync_all()?;
    drop(file);
    if exists {
        replace(new, path)?;
    } else {
        // A file that somebody has made meanwhile stays.
        fs::hard_link(new, path).or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Err(error),
            _ if path.exists() => Err(io::ErrorKind::AlreadyExists.into()),
            _ => fs::rename(new, path),
        })?;
        drop(fs::remove_file(new));
    }
    #[cfg(unix)]
    fs::File::open(path.parent().unwrap_or(path))?.sync_all()?;
    Ok(())
}

#[cfg(unix)]
fn replace(new: &Path, path: &Path) -> io::Result<()> {
    fs::rename(new, path)
}

/// The file's security descriptor stays: see
/// [ReplaceFileW](https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-replacefilew).
#[cfg(windows)]
#[allow(unsafe_code)]
fn replace(new: &Path, path: &Path) -> io::Result<()> {
    use std::os::windows::ffi::OsStrExt;
    use windows_sys::Win32::Storage::FileSystem::ReplaceFileW;
    let wide = |path: &Path| path.as_os_str().encode_wide().chain([0]).collect::<Vec<u16>>();
    let (new, path) = (wide(new), wide(path));
    // SAFETY: both are texts that end with 0 and live until the call returns; the rest may be null.
    let done = unsafe {
        ReplaceFileW(path.as_ptr(), new.as_ptr(), std::ptr::null(), 0, std::ptr::null(), std::ptr::null())
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, File, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    use std::path::Path;

    /// The group of the service, as packages make it.
    const GROUP: &str = "pywats";

    /// Gives a new file the rights of the one it replaces; one that replaces none can be read by the service.
    pub(super) fn rights(file: &File, path: &Path, exists: bool) -> io::Result<()> {
        if !exists {
            if rustix::process::geteuid().is_root()
                && let Some(gid) = group()
            {
                fchown(file, None, Some(gid))?;
                return file.set_permissions(Permissions::from_mode(0o640));
            }
            return Ok(());
        }
        let old = fs::metadata(path)?;
        let new = file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            fchown(file, Some(old.uid()), Some(old.gid()))?;
        }
        file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
        #[cfg(target_os = "linux")]
        attributes(file, path)?;
        Ok(())
    }

    /// The access list and the label, where there are some.
    #[cfg(target_os = "linux")]
    fn attributes(file: &File, path: &Path) -> io::Result<()> {
        use rustix::fs::{XattrFlags, fsetxattr, getxattr};
        for name in ["system.posix_acl_access", "security.selinux"] {
            let mut value = vec![0; 64 << 10];
            let Ok(length) = getxattr(path, name, value.as_mut_slice()) else { continue };
            match fsetxattr(file, name, &value[..length], XattrFlags::empty()) {
                // The policy labels it anyway; an access list must not be lost.
                Err(error) if name.starts_with("system.") => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    fn group() -> Option<u32> {
        let groups = fs::read_to_string("/etc/group").ok()?;
        let mut lines = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
        lines.find(|line| line.len() > 2 && line[0] == GROUP)?[2].parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn folder_and_file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        fs::write(&path, text).unwrap();
        (dir, path)
    }

    fn alone(path: &Path) -> Sources {
        Sources::with(Some(path.to_owned()), |_| None, Policies::none)
    }

    /// Fails if: a change loses the order of keys, unknown keys, or the rights of the file, or leaves anything beside it.
    #[test]
    fn only_the_setting_changes() {
        let (dir, path) = folder_and_file(
            r#"{"zebra":1.50,"server":{"url":"https://a.example","extra":[1]},"health":{"port":1}}"#,
        );
        #[cfg(unix)]
        std::os::unix::fs::PermissionsExt::set_mode(&mut fs::metadata(&path).unwrap().permissions(), 0o604);
        let mut document = Document::open(&path).unwrap();
        let url = setting("server.url").unwrap();
        let value = value_of(url, "https://b.example", true).unwrap();
        document.set(url, Some(value)).unwrap();
        document.set(setting("health.port").unwrap(), None).unwrap();
        document.save(&alone(&path)).unwrap();
        let text: String = fs::read_to_string(&path).unwrap().split_whitespace().collect();
        assert_eq!(text, r#"{"zebra":1.50,"server":{"url":"https://b.example","extra":[1]}}"#);
        drop(document);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    /// Fails if: the mode of the file is another one after a change.
    #[cfg(unix)]
    #[test]
    fn rights_stay() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, path) = folder_and_file("{}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        Document::open(&path).unwrap().save(&alone(&path)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o604);
    }

    /// Fails if: what the service cannot use is written, or a damaged file is overwritten.
    #[test]
    fn what_cannot_be_used_is_not_written() {
        let (_dir, path) = folder_and_file(r#"{"upload":{"retry_max_seconds":5}}"#);
        let mut document = Document::open(&path).unwrap();
        document.set(setting("upload.retry_initial_seconds").unwrap(), Some(Value::from(9))).unwrap();
        assert!(matches!(document.save(&alone(&path)), Err(EditError::Refused(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), r#"{"upload":{"retry_max_seconds":5}}"#);
        drop(document);
        fs::write(&path, "{").unwrap();
        assert!(matches!(Document::open(&path), Err(EditError::Broken(..))));
    }

    /// Fails if: a change that clashes with what the environment or a policy says is written, or what was wrong before
    /// forbids to change something else or to mend it.
    #[test]
    fn what_is_worse_than_before_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let path = dir.path().join("etc").join("config.json");
        fs::create_dir(dir.path().join("etc")).unwrap();
        let data = at("data");
        let sources = Sources::with(
            Some(path.clone()),
            move |name| (name == "PYWATS_DATA_DIR").then(|| data.clone().into()),
            Policies::none,
        );
        let folder = |path: String| json!([{ "name": "x", "path": path }]);
        let good = json!({ "server": { "url": "https://a.example" } });
        let bad = json!({ "server": { "url": "C:", "timeout_seconds": "soon" },
                          "client": { "watch_folder": at("data/done") } });
        // The file, the setting, its value, and what is said.
        for (file, name, value, complaint) in [
            (&good, "client.done_folder", json!(at("data/watch")), Some("client.done_folder are the same")),
            (&good, "folders", folder(at("data/spool")), Some("spool")),
            (&good, "folders", folder(at("data/ict")), None),
            (&good, "server.url", json!("C:"), Some("https://")),
            (&good, "server.ca_file", json!(at("missing.pem")), Some("missing.pem")),
            (&bad, "station.location", json!("Hall"), None),
            (&bad, "server.timeout_seconds", json!(5), None),
            (&bad, "server.url", json!("https://b.example"), None),
            (&bad, "health.port", json!(70_000), Some("health.port")),
        ] {
            fs::write(&path, file.to_string()).unwrap();
            let mut document = Document::open(&path).unwrap();
            document.set(setting(name).unwrap(), Some(value.clone())).unwrap();
            match (document.judge(&sources), complaint) {
                (Ok(_), None) => {}
                (Err(EditError::Refused(whys)), Some(part)) => {
                    assert!(whys.iter().all(|why| why.contains(part)), "{name} {value}: {whys:?}");
                }
                (judged, _) => panic!("{name} {value}: {:?}", judged.map(|loaded| loaded.errors)),
            }
        }
    }

    /// Fails if: a text is read as another kind of value than the setting takes, a wrong one is taken, or a secret is
    /// taken from the command line.
    #[test]
    fn values_of_the_command_line() {
        for (name, text, wanted) in [
            ("health.port", "8081", Ok(Value::from(8081))),
            ("station.location", "10", Ok(Value::from("10"))),
            ("station.process_code", "10", Ok(Value::from(10))),
            ("upload.max_per_minute", "null", Ok(Value::Null)),
            ("server.url", r"C:\x", Err("server.url: the server's address does not start with https://")),
            ("server.url", "htp://x.com", Err("does not start with https://")),
            ("server.url", "example.wats.com", Err("it has no scheme")),
            ("server.url", "https://ex ample.com", Err("a space")),
            ("server.url", "", Ok(Value::from(""))),
            ("server.proxy", "htp://proxy:1", Err("server.proxy: ")),
            ("health.port", "many", Err("health.port: not usable; write a TCP port")),
            ("server.token", "dXNlcjpwYXNzd29yZA==", Err("can be seen by every user")),
            ("server.proxy", "http://u:p@proxy:1", Err("can be seen by every user")),
        ] {
            match (value_of(setting(name).unwrap(), text, true), wanted) {
                (Ok(value), Ok(wanted)) => assert_eq!(value, wanted, "{name}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{name}: {error}"),
                (found, _) => panic!("{name}: {found:?}"),
            }
        }
        assert!(value_of(setting("server.token").unwrap(), "dXNlcjpwYXNzd29yZA==", false).is_ok());
        let error = setting("server.urll").err().unwrap().to_string();
        assert!(error.contains("did you mean server.url?"), "{error}");
    }
}
