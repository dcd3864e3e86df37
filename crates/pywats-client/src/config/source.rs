//! Reading the configuration from its sources and saying precisely what is wrong with them.

use super::folders::{self, Folders};
use super::loaded::{DEFAULTS, FileState, Loaded, Origin, Origins};
use super::policy::{self, Policies, Reader};
use super::settings::{SETTINGS, Setting, nearest};
use super::{Config, Secret, default_path, duplicates, watch_folders};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use wats_settings::{text, token};

/// More than any configuration needs: a wrong path must not fill the memory.
const MAX_BYTES: usize = 1 << 20;

/// Where to look for the configuration.
pub struct Sources {
    path: PathBuf,
    env: Box<Environment>,
    policies: Box<Reader>,
    /// Where the service has a token from that is nowhere else.
    credential: Credential,
    /// The folders that were found to go together: a server that does not answer is asked once.
    compared: Mutex<Option<Folders>>,
}

/// Gives the value of an environment variable.
type Environment = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// Gives the file with a token that the service is handed as a credential.
type Credential = fn() -> Option<PathBuf>;

#[cfg(target_os = "linux")]
const OF_THE_UNIT: Credential = super::credential::of_the_unit;
#[cfg(not(target_os = "linux"))]
const OF_THE_UNIT: Credential = || None;

impl Sources {
    /// The file given on the command line or else the usual places, this process's environment, and this
    /// machine's policies.
    pub fn new(path: Option<PathBuf>) -> Self {
        Sources::with(path, |name| std::env::var_os(name), policy::of_this_machine)
    }

    /// As [`Sources::new`], and also with what systemd hands to the service: for commands that judge what it will use. It
    /// itself is handed that, and may not look at units.
    pub fn of_the_service(path: Option<PathBuf>) -> Self {
        Sources { credential: OF_THE_UNIT, ..Sources::new(path) }
    }

    /// As [`Sources::new`], with another environment and other policies.
    pub fn with(
        path: Option<PathBuf>,
        env: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
        policies: impl Fn() -> Policies + Send + Sync + 'static,
    ) -> Self {
        let env = move |name: &str| env(name).filter(|value| !value.is_empty());
        let path = path.or_else(|| env("PYWATS_CONFIG").map(PathBuf::from)).unwrap_or_else(default_path);
        // A relative path is meant relative to where the program was started, now and at each reload.
        let path = std::path::absolute(&path).unwrap_or(path);
        let (env, policies) = (Box::new(env), Box::new(policies));
        Sources { path, env, policies, credential: || None, compared: Mutex::default() }
    }

    /// The file that is looked for, whether it exists or not.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads everything anew.
    pub fn load(&self) -> Loaded {
        self.complete(self.load_file())
    }

    /// Reads everything anew, but takes what the file once said from `last`.
    pub fn load_without_file(&self, last: &Loaded) -> Loaded {
        let mut loaded = self.load_file();
        (loaded.config, loaded.origins) = last.from_file.clone();
        self.complete(loaded)
    }

    /// As [`Sources::load`], as if the file had this text, or were not there.
    pub(super) fn load_text(&self, text: Option<&str>) -> Loaded {
        let mut loaded = self.nothing_yet();
        text.into_iter().for_each(|text| self.apply_text(&mut loaded, text));
        self.complete(loaded)
    }

    fn load_file(&self) -> Loaded {
        let mut loaded = self.nothing_yet();
        self.apply_file(&mut loaded);
        loaded
    }

    fn nothing_yet(&self) -> Loaded {
        Loaded {
            config: Config::new(),
            origins: DEFAULTS,
            from_file: (Config::new(), DEFAULTS),
            path: self.path.clone(),
            file: FileState::Missing,
            errors: Vec::new(),
            missing: Vec::new(),
            warnings: Vec::new(),
            ca_file: None,
        }
    }

    /// Puts environment and policies above what the file said.
    fn complete(&self, mut loaded: Loaded) -> Loaded {
        loaded.from_file = (loaded.config.clone(), loaded.origins);
        self.apply_env(&mut loaded);
        policy::apply(&(self.policies)(), &mut loaded);
        self.find_token(&mut loaded);
        self.compare_folders(&mut loaded);
        loaded.ca_file = loaded.config.server.ca_file.as_deref().map(digest);
        self.say_what_is_missing(&mut loaded);
        loaded
    }

    /// Refuses folders that cannot go together, wherever each of them was set. The default ones take
    /// their place.
    fn compare_folders(&self, loaded: &mut Loaded) {
        let folders = Folders::of(&loaded.config, &self.path);
        let mut compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        if compared.as_ref() == Some(&folders) {
            return;
        }
        let clashes = folders::clashes_soon(folders.clone());
        if clashes.is_empty() {
            *compared = Some(folders);
            return;
        }
        loaded.errors.extend(clashes);
        if loaded.file == FileState::Read {
            loaded.file = FileState::Broken;
        }
        let client = &mut loaded.config.client;
        (client.watch_folder, client.done_folder) = (None, None);
        (client.failed_folder, client.archive_folder) = (None, None);
        loaded.config.folders.clear();
    }

    fn apply_file(&self, loaded: &mut Loaded) {
        let text = match read_text(&self.path) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(reason) => {
                loaded.file = FileState::Broken;
                loaded.errors.push(format!("configuration {}: {reason}", self.path.display()));
                return;
            }
        };
        self.apply_text(loaded, &text);
    }

    fn apply_text(&self, loaded: &mut Loaded, text: &str) {
        let in_file = |what: String| format!("configuration {}: {what}", self.path.display());
        let mut config = Config::new();
        let mut notes = Notes { errors: Vec::new(), warnings: Vec::new(), origins: DEFAULTS };
        match serde_json::from_str::<Value>(text) {
            Ok(document) => apply_document(&mut config, &document, &mut notes),
            Err(error) => notes.errors.push(syntax_error(&error)),
        }
        notes.errors.extend(duplicates::in_text(text).iter().map(|name| duplicates::sentence(name)));
        notes.errors.extend(contradictions(&config));
        loaded.warnings.extend(notes.warnings.into_iter().map(in_file));
        if notes.errors.is_empty() {
            loaded.file = FileState::Read;
            loaded.config = config;
            loaded.origins = notes.origins;
        } else {
            loaded.file = FileState::Broken;
            loaded.errors.extend(notes.errors.into_iter().map(in_file));
        }
    }

    fn apply_env(&self, loaded: &mut Loaded) {
        for (setting, origin) in SETTINGS.iter().zip(&mut loaded.origins) {
            let name = setting.env_name();
            let Some(value) = (self.env)(&name) else { continue };
            if value.to_str().and_then(|text| read_env(&mut loaded.config, setting, text)).is_some() {
                *origin = Origin::Environment;
            } else {
                let text = Value::from(value.to_string_lossy());
                loaded
                    .errors
                    .push(format!("environment variable {name}: ignored: {}", setting.not_usable(&text)));
            }
        }
    }

    fn find_token(&self, loaded: &mut Loaded) {
        let (token, token_file) = (index("server", "token"), index("server", "token_file"));
        let enforced = loaded.origins[token_file] == Origin::Policy;
        let server = &mut loaded.config.server;
        if let (Some(_), Some(file)) = (&server.token, &server.token_file) {
            if enforced {
                // A token of another origin is not what the administrator wants to be used.
                server.token = None;
            } else if loaded.origins[token] == Origin::File {
                loaded.warnings.push(format!(
                    "server.token is used and server.token_file ({}) ignored; remove one of them",
                    file.display()
                ));
            }
        }
        if server.token.is_some() {
            return;
        }
        let credential = (self.env)("CREDENTIALS_DIRECTORY")
            .map(|dir| Path::new(&dir).join("token"))
            // One that may not be looked at is there: reading it says why.
            .filter(|file| file.try_exists().unwrap_or(true))
            .or_else(|| (self.credential)());
        let (file, origin) = match (server.token_file.clone(), credential) {
            (Some(file), _) => (file, loaded.origins[token_file]),
            (None, Some(credential)) => (credential, Origin::Environment),
            (None, None) => return,
        };
        loaded.origins[token] = origin;
        let read = read(&file, token::MAX_FILE_BYTES)
            .and_then(|bytes| token::of_file(&bytes.ok_or_else(|| "does not exist".to_owned())?));
        match read {
            Ok(token) => server.token = Some(Secret::new(token)),
            Err(reason) => loaded.missing.push(format!("token file {}: {reason}", file.display())),
        }
    }

    fn say_what_is_missing(&self, loaded: &mut Loaded) {
        let place = match loaded.file {
            FileState::Missing => format!("{} (which does not exist)", self.path.display()),
            FileState::Broken => format!("{} (which cannot be used)", self.path.display()),
            FileState::Read => self.path.display().to_string(),
        };
        if loaded.config.server.url.is_none() {
            loaded.missing.push(format!("no server address: set server.url in {place} or PYWATS_SERVER_URL"));
        }
        if loaded.config.server.token.is_none() && loaded.missing.iter().all(|m| !m.starts_with("token file"))
        {
            loaded.missing.push(format!(
                "no token: set server.token or server.token_file in {place} or PYWATS_API_TOKEN"
            ));
        }
    }
}

struct Notes {
    errors: Vec<String>,
    warnings: Vec<String>,
    origins: Origins,
}

/// The place of a setting in [`SETTINGS`].
fn index(section: &str, key: &str) -> usize {
    let place = SETTINGS.iter().position(|setting| (setting.section, setting.key) == (section, key));
    place.expect("a setting of the table")
}

/// The text of a small file without its byte order mark, or `None` where there is no file.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, String> {
    read_small(path)?.map(|bytes| text::decode(&bytes)).transpose()
}

/// The content of a small file, or `None` where there is no file.
pub(super) fn read_small(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match read(path, MAX_BYTES)? {
        Some(bytes) if bytes.len() > MAX_BYTES => {
            Err(format!("is larger than {MAX_BYTES} bytes; is it the right file?"))
        }
        bytes => Ok(bytes),
    }
}

/// The content of a file, of a larger one `most` bytes and one more, or `None` where there is no file. Anything else is not
/// opened: a pipe would keep the service waiting for whoever writes into it.
fn read(path: &Path, most: usize) -> Result<Option<Vec<u8>>, String> {
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err("is no file, but a folder, a pipe or a device; write a file there".to_owned());
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Err(denied(path, &error)),
        Err(error) => return Err(format!("cannot be opened: {error}")),
    };
    let mut bytes = Vec::new();
    let read = file.take(most as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot be read: {error}"))?;
    Ok(Some(bytes))
}

/// Why this account may not read a file, and what to do: the service has an account of its own.
fn denied(path: &Path, error: &std::io::Error) -> String {
    let what_to_do = if cfg!(windows) {
        "let the account of the service read it".to_owned()
    } else {
        format!(
            "it is there but this account may not read it; if this is the account of the service, run: chgrp {1} {0} \
             && chmod 640 {0}; else run this command as root",
            path.display(),
            if cfg!(target_os = "macos") { "_pywats" } else { "pywats" }
        )
    };
    format!("cannot be opened: {error}; {what_to_do}")
}

/// The digest of a file that is followed.
fn digest(path: &Path) -> Result<[u8; 32], String> {
    let bytes = read(path, MAX_BYTES)?.ok_or_else(|| "does not exist".to_owned())?;
    Ok(Sha256::digest(&bytes).into())
}

/// What serde_json says, without any of the file's text, and with help for the usual Windows mistake.
fn syntax_error(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let hint =
        if text.starts_with("invalid escape") { r"; in JSON a backslash is written twice: \\" } else { "" };
    format!("is not JSON: {text}{hint}")
}

fn apply_document(config: &mut Config, document: &Value, notes: &mut Notes) {
    let Some(sections) = document.as_object() else {
        notes.errors.push("must be a JSON object: { \"server\": { … } }".to_owned());
        return;
    };
    for (name, section) in sections {
        if SETTINGS.iter().any(|setting| setting.section.is_empty() && setting.key == name) {
            apply_value(config, "", name, section, notes);
            continue;
        }
        if !SETTINGS.iter().any(|setting| setting.section == name) {
            let part =
                |setting: &Setting| if setting.section.is_empty() { setting.key } else { setting.section };
            let known: BTreeSet<_> = SETTINGS.iter().map(part).collect();
            notes.warnings.push(unknown(name, nearest(name, known.into_iter()).map(str::to_owned)));
            continue;
        }
        match section {
            Value::Object(values) => values.iter().for_each(|(key, value)| {
                apply_value(config, name, key, value, notes);
            }),
            Value::Null => {}
            _ => notes.errors.push(format!("{name}: must be an object: \"{name}\": {{ … }}")),
        }
    }
}

fn apply_value(config: &mut Config, section: &str, key: &str, value: &Value, notes: &mut Notes) {
    let of_section = || SETTINGS.iter().filter(|setting| setting.section == section);
    let known = SETTINGS.iter().zip(&mut notes.origins);
    match known.into_iter().find(|(setting, _)| setting.section == section && setting.key == key) {
        Some(_) if value.is_null() => {}
        Some((setting, origin)) => {
            *origin = Origin::File;
            if (setting.read)(config, value).is_none() {
                notes.errors.push(setting.not_usable(value));
            }
            if setting.key == "folders" {
                let unknown_fields = watch_folders::unknown_fields(value).into_iter();
                notes
                    .warnings
                    .extend(unknown_fields.map(|(name, meant)| unknown(&name, meant.map(str::to_owned))));
            }
        }
        None => {
            let here = nearest(key, of_section().map(|setting| setting.key)).map(|key| (section, key));
            let elsewhere = || SETTINGS.iter().find(|s| s.key == key).map(|s| (s.section, s.key));
            let meant = here.or_else(elsewhere).map(|(section, key)| format!("{section}.{key}"));
            notes.warnings.push(unknown(&format!("{section}.{key}"), meant));
        }
    }
}

fn unknown(name: &str, meant: Option<String>) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    match meant {
        Some(meant) => format!("{name}: unknown and ignored; did you mean {meant}?"),
        None => format!("{name}: unknown and ignored; remove it"),
    }
}

/// Values that are each valid but cannot go together. What can be said without opening folders; the
/// rest is in [`super::folders`].
pub(super) fn contradictions(config: &Config) -> Vec<String> {
    let mut errors = Vec::new();
    errors.extend(folders::spelt_alike(config));
    if config.upload.retry_initial > config.upload.retry_max {
        errors.push("upload.retry_initial_seconds is more than upload.retry_max_seconds".to_owned());
    }
    errors
}

/// The environment has only text: a number, true or false is recognised where text is not accepted.
fn read_env(config: &mut Config, setting: &Setting, text: &str) -> Option<()> {
    (setting.read)(config, &Value::from(text)).or_else(|| {
        let value: Value = serde_json::from_str(text.trim()).ok()?;
        let is_plain = value.is_u64() || value.is_boolean();
        if is_plain { (setting.read)(config, &value) } else { None }
    })
}
