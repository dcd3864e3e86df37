//! Reads the output of `uwfmgr.exe get-config` in English. Its form is documented nowhere; it was taken from
//! public descriptions of Windows 10. What is not recognised is no setting.

/// The settings of the filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Those in force.
    pub current: Session,
    /// Those after the next restart.
    pub next: Session,
}

/// The settings between two restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Whether the filter is on.
    pub on: bool,
    /// The drives it knows.
    pub volumes: Vec<Volume>,
    /// Registry keys that are excluded.
    pub keys: Vec<String>,
}

/// A drive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// As `C:`; empty for a volume without a letter.
    pub drive: String,
    /// Whether writing to it is redirected while the filter is on.
    pub protected: bool,
    /// Files and folders that are excluded, with drive.
    pub exclusions: Vec<String>,
}

impl Session {
    /// Whether what is written there is lost at a restart.
    pub fn discards(&self, path: &str) -> bool {
        let on_drive = |volume: &&Volume| !volume.drive.is_empty() && is_in(path, &volume.drive);
        self.on
            && self.volumes.iter().filter(on_drive).any(|volume| {
                volume.protected && !volume.exclusions.iter().any(|excluded| is_in(path, excluded))
            })
    }

    /// Whether a registry key or one above it is excluded.
    pub fn keeps_key(&self, key: &str) -> bool {
        self.keys.iter().any(|excluded| is_in(key, &excluded.replace("HKEY_LOCAL_MACHINE", "HKLM")))
    }
}

/// Whether a path is `folder` or lies in it. Windows does not tell capital letters from small ones.
pub(super) fn is_in(path: &str, folder: &str) -> bool {
    let (path, folder) = (path.to_lowercase(), folder.to_lowercase());
    let folder = folder.trim_end_matches('\\');
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
}

/// The text that a program of Windows wrote into a pipe: UTF-16 or one byte per character.
pub fn decode(bytes: &[u8]) -> String {
    let zeros = bytes.iter().filter(|byte| **byte == 0).count();
    // In English every other byte of UTF-16 is zero, and none of any other encoding.
    if zeros * 4 < bytes.len() || bytes.is_empty() {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    String::from_utf16_lossy(&units).trim_start_matches('\u{feff}').to_owned()
}

/// Reads the output; `None` if it does not say for both sessions whether the filter is on.
pub fn parse(output: &str) -> Option<Settings> {
    let (before, next) = output.split_once("Next Session Settings")?;
    let (_, current) = before.split_once("Current Session Settings")?;
    Some(Settings { current: session(current)?, next: session(next)? })
}

fn session(text: &str) -> Option<Session> {
    let mut session = Session::default();
    let mut on = None;
    for line in text.lines().map(str::trim) {
        if let Some(state) = line.strip_prefix("Filter state:") {
            on = Some(state.trim().eq_ignore_ascii_case("ON"));
        } else if let Some(state) = line.strip_prefix("Volume state:") {
            if let Some(volume) = session.volumes.last_mut() {
                volume.protected = state.trim().eq_ignore_ascii_case("Protected");
            }
        } else if let Some(drive) = drive_of_heading(line) {
            session.volumes.push(Volume { drive, ..Volume::default() });
        } else if is_key(line) {
            session.keys.push(line.to_owned());
        } else if let (Some(volume), Some(path)) = (session.volumes.last_mut(), path_on(line)) {
            volume.exclusions.push(if path.starts_with('\\') {
                volume.drive.clone() + path
            } else {
                path.to_owned()
            });
        }
    }
    session.on = on?;
    Some(session)
}

/// The drive of the line `Volume 812f1528-… [C:]` or `Volume C:`.
fn drive_of_heading(line: &str) -> Option<String> {
    let rest = line.strip_prefix("Volume ")?;
    let letter = |text: &str| {
        let drive = text.trim();
        (drive.len() == 2 && drive.ends_with(':')).then(|| drive.to_uppercase())
    };
    match rest.split_once('[') {
        Some((_, bracketed)) => Some(letter(bracketed.trim_end_matches(']')).unwrap_or_default()),
        None => letter(rest),
    }
}

fn is_key(line: &str) -> bool {
    line.starts_with(r"HKLM\") || line.starts_with(r"HKEY_LOCAL_MACHINE\")
}

/// A line that is nothing but a path.
fn path_on(line: &str) -> Option<&str> {
    let complete = line.get(1..3) == Some(r":\") && line.starts_with(|c: char| c.is_ascii_alphabetic());
    (complete || line.starts_with('\\')).then_some(line)
}
