//! Putting unusable files aside, a few at a time: none of them may cost a good one its turn. And
//! watching those that are only incomplete: one that is changed in `failed/` goes back to the watch
//! folder, as if somebody had dropped it there again.

use super::judge::{Refusal, hash};
use crate::disposition::{Disposition, MoveError, REASON_SUFFIX, Reason, Stage, hex};
use crate::folder::{Folder, Identity, Kind, Moved};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// As many files are put aside before anything else has its turn.
const AT_ONCE: usize = 2;
/// The first and the longest wait after one could not be put aside.
const WAITS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_mins(5));
/// As many reason files are read before anything else has its turn.
const READ_AT_ONCE: usize = 50;
/// How often those in `failed/` are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// More than any reason file without the words of a server.
const MOST_BYTES: u64 = 256 << 10;

/// Files that wait to be put aside.
#[derive(Debug, Default)]
pub struct Asides {
    waiting: VecDeque<(OsString, Identity, Refusal)>,
    not_before: Option<Instant>,
    wait: Duration,
}

/// What became of a file that was to be put aside.
#[derive(Debug)]
pub enum PutAside {
    /// It lies in `failed/` under the second name.
    Done(OsString, OsString, Refusal),
    /// It is another file by now.
    Changed(OsString),
    /// It stays where it is, and is tried again.
    Stuck(OsString, MoveError),
}

impl Asides {
    /// A file is to be put aside.
    pub fn push(&mut self, name: OsString, identity: Identity, refusal: Refusal) {
        self.waiting.push_back((name, identity, refusal));
    }

    /// When there is something to do.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        (!self.waiting.is_empty()).then(|| self.not_before.unwrap_or(now))
    }

    /// Puts some of them aside.
    pub fn work(&mut self, watch: &Folder, disposition: &Disposition, now: Instant) -> Vec<PutAside> {
        let mut results = Vec::new();
        while results.len() < AT_ONCE && self.not_before.is_none_or(|then| then <= now) {
            let Some((name, identity, refusal)) = self.waiting.pop_front() else { break };
            match disposition.unusable(watch, &name, &identity, &reason(&refusal)) {
                Ok(Some(new)) => {
                    (self.not_before, self.wait) = (None, Duration::ZERO);
                    results.push(PutAside::Done(name, new, refusal));
                }
                Ok(None) => results.push(PutAside::Changed(name)),
                Err(error) => {
                    // The next one would not fare better.
                    self.wait = (self.wait * 2).clamp(WAITS.0, WAITS.1);
                    self.not_before = Some(now + self.wait);
                    results.push(PutAside::Stuck(name.clone(), error));
                    self.waiting.push_back((name, identity, refusal));
                }
            }
        }
        results
    }
}

/// What is written beside a file that is put aside.
pub fn reason(refusal: &Refusal) -> Reason {
    Reason {
        stage: Stage::Intake,
        reason: refusal.reason.clone(),
        words: None,
        what_to_do: refusal.what_to_do,
        server_status: None,
        attempts: 0,
        id: None,
        sha256: None,
        superseded: false,
        incomplete: refusal.incomplete,
    }
}

/// Incomplete files in `failed/`.
#[derive(Debug)]
pub struct Incomplete {
    failed: PathBuf,
    /// How each looked when it was put aside.
    files: HashMap<OsString, Identity>,
    /// Reason files of earlier times that are still to be read.
    unread: Vec<OsString>,
    listed: bool,
    next_look: Instant,
}

impl Incomplete {
    /// Those in this folder. Those of earlier times are looked for, a few at a time, if that is said.
    pub fn new(failed: PathBuf, earlier: bool) -> Self {
        Incomplete {
            failed,
            files: HashMap::new(),
            unread: Vec::new(),
            listed: !earlier,
            next_look: Instant::now(),
        }
    }

    /// One was put aside under this name, with this content.
    pub fn remember(&mut self, name: OsString, sha256: &[u8; 32]) {
        if let Ok(failed) = Folder::open(&self.failed) {
            self.insert(&failed, name, |content| content == sha256);
        }
    }

    /// When there is something to do.
    pub fn next_due(&self, now: Instant) -> Instant {
        if self.listed && self.unread.is_empty() { self.next_look } else { now }
    }

    /// Moves those that have changed to the watch folder; says which.
    ///
    /// # Errors
    /// If `failed/` cannot be used; it is tried again.
    pub fn work(&mut self, watch: &Folder, now: Instant) -> io::Result<Vec<OsString>> {
        if self.next_due(now) > now {
            return Ok(Vec::new());
        }
        self.next_look = now + LOOK;
        if self.listed && self.unread.is_empty() && self.files.is_empty() {
            return Ok(Vec::new());
        }
        let failed = Folder::open(&self.failed)?;
        if !self.listed {
            self.unread = failed.names()?;
            self.unread.retain(|name| is_reason(name));
            self.listed = true;
        }
        for _ in 0..READ_AT_ONCE.min(self.unread.len()) {
            if let Some(reason) = self.unread.pop() {
                self.read(&failed, &reason);
            }
        }
        let mut returned = Vec::new();
        let files = std::mem::take(&mut self.files);
        for (name, identity) in files {
            match failed.look(&name) {
                Ok(Some(Kind::Plain(found))) if found != identity => {
                    match give_back(&failed, &name, &found, watch) {
                        Ok(true) => returned.push(name),
                        Ok(false) => drop(self.files.insert(name, identity)),
                        Err(error) => {
                            tracing::debug!("{:?}: cannot be moved back: {error}", failed.path().join(&name));
                            self.files.insert(name, identity);
                        }
                    }
                }
                // One that the system does not tell of is looked at again.
                Ok(Some(Kind::Plain(_))) | Err(_) => drop(self.files.insert(name, identity)),
                // Somebody has taken care of it.
                Ok(None | Some(Kind::Foreign(_))) => {}
            }
        }
        Ok(returned)
    }

    /// Reads a reason file.
    fn read(&mut self, failed: &Folder, reason: &OsStr) {
        if let Some(sha256) = incomplete_of(failed, reason) {
            self.insert(failed, without_suffix(reason), |content| hex(content) == sha256);
        }
    }

    /// A file that was changed while nobody watched is known by its content.
    fn insert(&mut self, failed: &Folder, name: OsString, is_it: impl Fn(&[u8; 32]) -> bool) {
        let Ok(mut open) = failed.open_file(&name) else { return };
        let mut identity = open.identity;
        if !open.read(identity.size).is_ok_and(|bytes| is_it(&hash(&bytes))) {
            // Not as it was: the next look finds that.
            identity.modified_ns = identity.modified_ns.wrapping_add(1);
        }
        self.files.insert(name, identity);
    }
}

/// The SHA-256 of the incomplete file that a reason is about.
fn incomplete_of(failed: &Folder, reason: &OsStr) -> Option<String> {
    let mut open = failed.open_file(reason).ok()?;
    let bytes = open.read(MOST_BYTES).ok()?;
    let reason: Value = serde_json::from_slice(&bytes).ok()?;
    reason["incomplete"].as_str().map(str::to_owned)
}

fn give_back(failed: &Folder, name: &OsStr, identity: &Identity, watch: &Folder) -> io::Result<bool> {
    loop {
        let free = watch.free_name(name)?;
        match failed.move_file(name, identity, watch, &free)? {
            Moved::NameTaken => {}
            Moved::Changed => return Ok(false),
            Moved::Done => {
                let mut reason = name.to_owned();
                reason.push(REASON_SUFFIX);
                failed.discard(&reason);
                return Ok(true);
            }
        }
    }
}

fn is_reason(name: &OsStr) -> bool {
    name.to_string_lossy().ends_with(REASON_SUFFIX)
}

fn without_suffix(reason: &OsStr) -> OsString {
    let bytes = reason.as_encoded_bytes();
    let end = bytes.len().saturating_sub(REASON_SUFFIX.len());
    // SAFETY: the bytes come from an `OsStr` and are cut before a suffix of ASCII characters.
    unsafe { OsStr::from_encoded_bytes_unchecked(&bytes[..end]) }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Fails if: an incomplete file that is changed in the failed folder stays there, at once or after
    /// a restart; or one that is not changed, or was refused for another reason, is moved.
    #[test]
    fn changed_incomplete_files_go_back() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        for folder in ["watch", "done", "failed"] {
            fs::create_dir(at(folder)).unwrap();
        }
        let watch = Folder::open(&at("watch")).unwrap();
        let disposition = Disposition::new(at("done"), at("failed"));
        let mut asides = Asides::default();
        let now = Instant::now();
        for (name, incomplete) in [("a.json", true), ("b.json", true), ("c.json", true), ("d.json", false)] {
            fs::write(at("watch").join(name), "{").unwrap();
            let Some(Kind::Plain(identity)) = watch.look(OsStr::new(name)).unwrap() else { panic!("{name}") };
            let incomplete = incomplete.then(|| hash(b"{"));
            let refusal = Refusal { reason: "why".to_owned(), what_to_do: "this", incomplete };
            asides.push(name.into(), identity, refusal);
        }
        let mut known = Incomplete::new(at("failed"), true);
        assert_eq!(known.work(&watch, now).unwrap(), [""; 0], "nothing there yet");
        while asides.next_due(now).is_some() {
            for result in asides.work(&watch, &disposition, now) {
                let PutAside::Done(name, new, refusal) = result else { panic!("{result:?}") };
                assert_eq!(name, new);
                if let Some(sha256) = refusal.incomplete {
                    known.remember(new, &sha256);
                }
            }
        }
        assert_eq!(fs::read_dir(at("failed")).unwrap().count(), 8, "each with its reason");
        let change = |name: &str, known: &mut Incomplete, after: Instant| {
            fs::write(at("failed").join(name), "{}").unwrap();
            known.work(&watch, after).unwrap()
        };
        let later = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(change("a.json", &mut known, later(20)), ["a.json"]);
        assert_eq!(change("d.json", &mut known, later(40)), [""; 0], "nothing would make it complete");
        let mut restarted = Incomplete::new(at("failed"), true);
        assert_eq!(change("b.json", &mut restarted, later(60)), ["b.json"]);
        let mut left: Vec<_> =
            fs::read_dir(at("failed")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["c.json", "c.json.reason.json", "d.json", "d.json.reason.json"]);
    }
}
