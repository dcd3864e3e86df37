//! Reading the configuration from its sources and saying precisely what is wrong with them.

use super::settings::{SETTINGS, Setting, nearest};
use super::{Config, Secret, default_path};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// More than any configuration needs: a wrong path must not fill the memory.
const MAX_BYTES: u64 = 1 << 20;

/// Where to look for the configuration.
pub struct Sources {
    path: PathBuf,
    env: Box<Environment>,
}

/// Gives the value of an environment variable.
type Environment = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// What became of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// There is none.
    Missing,
    /// It was read, and every value in it is usable.
    Read,
    /// It cannot be used; [`Loaded::errors`] say why. Nothing of it was taken over.
    Broken,
}

/// A configuration and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The settings in force.
    pub config: Config,
    /// The file that was looked for.
    pub path: PathBuf,
    /// What became of it.
    pub file: FileState,
    /// What makes file or environment unusable.
    pub errors: Vec<String>,
    /// What uploading still needs.
    pub missing: Vec<String>,
    /// What was ignored.
    pub warnings: Vec<String>,
}

impl Sources {
    /// The file given on the command line or else the usual places, and this process's environment.
    pub fn new(path: Option<PathBuf>) -> Self {
        Sources::with_env(path, |name| std::env::var_os(name))
    }

    /// As [`Sources::new`], with another environment.
    pub fn with_env(
        path: Option<PathBuf>,
        env: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Self {
        let env = move |name: &str| env(name).filter(|value| !value.is_empty());
        let path = path.or_else(|| env("PYWATS_CONFIG").map(PathBuf::from)).unwrap_or_else(default_path);
        // A relative path is meant relative to where the program was started, now and at each reload.
        let path = std::path::absolute(&path).unwrap_or(path);
        Sources { path, env: Box::new(env) }
    }

    /// The file that is looked for, whether it exists or not.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads everything anew.
    pub fn load(&self) -> Loaded {
        let mut loaded = Loaded {
            config: Config::new(),
            path: self.path.clone(),
            file: FileState::Missing,
            errors: Vec::new(),
            missing: Vec::new(),
            warnings: Vec::new(),
        };
        self.apply_file(&mut loaded);
        self.apply_env(&mut loaded);
        self.find_token(&mut loaded);
        self.say_what_is_missing(&mut loaded);
        loaded
    }

    fn apply_file(&self, loaded: &mut Loaded) {
        let in_file = |what: String| format!("configuration {}: {what}", self.path.display());
        let text = match read_text(&self.path) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(reason) => {
                loaded.file = FileState::Broken;
                loaded.errors.push(in_file(reason));
                return;
            }
        };
        let mut config = Config::new();
        let mut notes = Notes::default();
        match serde_json::from_str::<Value>(&text) {
            Ok(document) => apply_document(&mut config, &document, &mut notes),
            Err(error) => notes.errors.push(syntax_error(&error)),
        }
        notes.errors.extend(contradictions(&config));
        loaded.warnings.extend(notes.warnings.into_iter().map(in_file));
        if notes.errors.is_empty() {
            loaded.file = FileState::Read;
            loaded.config = config;
        } else {
            loaded.file = FileState::Broken;
            loaded.errors.extend(notes.errors.into_iter().map(in_file));
        }
    }

    fn apply_env(&self, loaded: &mut Loaded) {
        for setting in SETTINGS {
            let Some((name, value)) = setting.env.and_then(|name| Some((name, (self.env)(name)?))) else {
                continue;
            };
            if value.to_str().and_then(|text| read_env(&mut loaded.config, setting, text)).is_none() {
                loaded.errors.push(format!(
                    "environment variable {name}: not usable and ignored; write {}",
                    setting.expects
                ));
            }
        }
    }

    fn find_token(&self, loaded: &mut Loaded) {
        let server = &mut loaded.config.server;
        let from_env = (self.env)("PYWATS_API_TOKEN").is_some();
        if let (Some(_), Some(file), false) = (&server.token, &server.token_file, from_env) {
            loaded.warnings.push(format!(
                "server.token is used and server.token_file ({}) ignored; remove one of them",
                file.display()
            ));
        }
        if server.token.is_some() {
            return;
        }
        let credential = (self.env)("CREDENTIALS_DIRECTORY")
            .map(|dir| Path::new(&dir).join("token"))
            .filter(|f| f.exists());
        let Some(file) = server.token_file.clone().or(credential) else { return };
        match read_text(&file) {
            Ok(Some(text)) if !text.trim().is_empty() => server.token = Some(Secret::new(text.trim())),
            Ok(Some(_)) => loaded.missing.push(format!("token file {}: empty", file.display())),
            Ok(None) => loaded.missing.push(format!("token file {}: does not exist", file.display())),
            Err(reason) => loaded.missing.push(format!("token file {}: {reason}", file.display())),
        }
    }

    fn say_what_is_missing(&self, loaded: &mut Loaded) {
        let place = match loaded.file {
            FileState::Missing => format!("{} (which does not exist)", self.path.display()),
            _ => self.path.display().to_string(),
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

#[derive(Default)]
struct Notes {
    errors: Vec<String>,
    warnings: Vec<String>,
}

/// The text of a small file without its byte order mark, or `None` where there is no file.
fn read_text(path: &Path) -> Result<Option<String>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be opened: {error}")),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("is larger than {MAX_BYTES} bytes; is it the right file?"));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("is UTF-16; save it as UTF-8".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        format!("is not UTF-8 (at byte {}); save it as UTF-8", error.utf8_error().valid_up_to())
    })?;
    Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
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
        if !SETTINGS.iter().any(|setting| setting.section == name) {
            let known: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.section).collect();
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
    match of_section().find(|setting| setting.key == key) {
        Some(_) if value.is_null() => {}
        Some(setting) => {
            if (setting.read)(config, value).is_none() {
                notes.errors.push(format!("{section}.{key}: not usable; write {}", setting.expects));
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

/// Values that are each valid but cannot go together.
fn contradictions(config: &Config) -> Vec<String> {
    let mut errors = Vec::new();
    let folders = [
        ("client.watch_folder", config.watch_folder()),
        ("client.done_folder", config.done_folder()),
        ("client.failed_folder", config.failed_folder()),
    ];
    for (at, (name, folder)) in folders.iter().enumerate() {
        for (other_name, other) in &folders[at + 1..] {
            if folder == other {
                errors.push(format!("{name} and {other_name} are the same folder; write different ones"));
            }
        }
    }
    if config.upload.retry_initial > config.upload.retry_max {
        errors.push("upload.retry_initial_seconds is more than upload.retry_max_seconds".to_owned());
    }
    errors
}

/// The environment has only text: a number is recognised where text is not accepted.
fn read_env(config: &mut Config, setting: &Setting, text: &str) -> Option<()> {
    (setting.read)(config, &Value::from(text)).or_else(|| {
        let number: u64 = text.trim().parse().ok()?;
        (setting.read)(config, &Value::from(number))
    })
}
