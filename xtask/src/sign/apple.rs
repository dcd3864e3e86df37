//! The signer of what is for macOS: programs, bundles, flat packages and disk images, by a key or by somebody's command;
//! and what Apple's notary says of them.

use super::command;
use super::config::Apple as Config;
use super::key::Key;
use super::secret::Secret;
use super::signer::{Answer, NodeKind, Notarised, Signer};
use crate::apple::{self, Bundle, Engine, Identity, Kind, Usage};
use crate::authenticode::{Roots, Trust, Verdict, can_write, require};
use crate::judges::Judges;
use crate::untrusted;
use anyhow::{Context, Result, anyhow, bail, ensure};
use apple_archives::code_signature::{image, package, program};
use apple_archives::mach_o;
use serde_json::{Value, json};
use std::cell::OnceCell;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zip::ZipWriter;

/// How long the engine may take for what it does alone.
const LIMIT: Duration = Duration::from_secs(300);
/// How long an upload may take.
const UPLOAD: Duration = Duration::from_secs(3600);
/// What the engine says of an answer of the notary that is an error.
const REFUSED: &str = "appstore connect error";

/// See the [module](self).
pub(super) struct Apple {
    pub(super) engine: OnceCell<Engine>,
    /// How to sign, unless stored signatures are attached.
    pub(super) config: Option<Config>,
    /// What it has keys for, or stored signatures of.
    pub(super) kinds: Vec<NodeKind>,
    pub(super) trust: Trust,
    pub(super) needs_time_stamp: bool,
    /// What macOS is to call everything.
    pub(super) identifier: String,
}

impl Apple {
    fn engine(&self) -> Result<&Engine> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let engine = Engine::find(self.trust.named(Roots::Servers))?;
        Ok(self.engine.get_or_init(|| engine))
    }

    fn config(&self) -> Result<&Config> {
        self.config.as_ref().context("there is no key")
    }

    /// The key for a kind.
    fn key(&self, usage: Usage) -> Result<&Key> {
        let config = self.config()?;
        match usage {
            Usage::Application => Ok(&config.application),
            Usage::Installer => config.installer.as_ref().context("there is no key for packages"),
        }
    }

    /// Lets the engine sign, with a time stamp if one is needed; returns the signature.
    fn sign_by_key(&self, key: &Key, kind: Kind, place: &Place<'_>) -> Result<Vec<u8>> {
        let identity = identity(key, usage_of(kind))?;
        let request = |server: Option<&str>| {
            json!({
                "verb": "sign",
                "from": place.from,
                "to": place.to,
                "identity": identity.pem,
                "identifier": self.identifier,
                "team": identity.team,
                "runtime": matches!(kind, Kind::Program | Kind::Bundle),
                "timestamp_server": server,
            })
        };
        let sign = |server: Option<&str>, limit: Duration| -> Result<Vec<u8>> {
            place.clear()?;
            self.engine()?.call(&request(server), limit)?;
            place.detach(kind)
        };
        if !self.needs_time_stamp {
            return sign(None, LIMIT).context("the key could not be used");
        }
        let timestamp = &self.config()?.timestamp;
        let one = |server: &str, limit: Duration| {
            let signature = sign(Some(server), limit + Duration::from_secs(30))?;
            let signed = attach(kind, &place.unsigned, &signature)?;
            let judged = apple::judge("it", &signed, &self.trust)?.unwrap_or_default();
            let problems = judged.iter().flat_map(Verdict::problems);
            let of_stamp = problems.into_iter().find(|problem| problem.contains("time stamp"));
            ensure!(apple::has_time_stamp(&signature)?, "there is no time stamp in its answer");
            of_stamp.map_or(Ok(signature), |problem| bail!("{problem}"))
        };
        timestamp.ask(one, || can_write(&place.unsigned, place.folder))
    }

    /// What the notary needs to know who asks.
    fn credentials(&self) -> Result<Value> {
        let notary = self.config()?.notary.as_ref().context(
            "nothing says how to reach Apple's notary: give [apple.notary] in signing.toml, with a key of App Store Connect",
        )?;
        let pem = fs::read_to_string(&notary.key)
            .with_context(|| format!("reading the key of App Store Connect, {}", notary.key.display()))?;
        let is_key = pem.trim().starts_with("-----BEGIN PRIVATE KEY-----")
            && pem.trim().ends_with("-----END PRIVATE KEY-----");
        ensure!(
            is_key,
            "{} is no key of App Store Connect: those are called AuthKey_ID.p8, and are PEM",
            notary.key.display()
        );
        Ok(json!({ "issuer": notary.issuer, "id": notary.key_id, "pem": pem }))
    }

    /// Hands a file in, and returns the number that the notary gives it.
    fn submit(&self, kind: Kind, signed: &Path) -> Result<String> {
        let folder = tempfile::tempdir().context("making a folder for unfinished files")?;
        let name = signed.file_name().context("a file has a name")?.to_string_lossy().into_owned();
        let mut file = signed.to_owned();
        if kind == Kind::Program {
            file = folder.path().join(format!("{name}.zip"));
            let mut archive = ZipWriter::new(fs::File::create(&file)?);
            archive.start_file(name, zip::write::SimpleFileOptions::default().unix_permissions(0o755))?;
            archive.write_all(&fs::read(signed)?)?;
            archive.finish()?;
        }
        let request = json!({ "verb": "submit", "file": file, "key": self.credentials()? });
        let answer = self.engine()?.call(&request, UPLOAD)?;
        answer.as_str().map(str::to_owned).context("the notary gave no number to what was handed in")
    }

    /// Why the notary did not accept something.
    fn log(&self, submission: &str) -> Result<String> {
        let request = json!({ "verb": "log", "submission": submission, "key": self.credentials()? });
        let log = self.engine()?.call(&request, LIMIT)?;
        let issues = log["issues"].as_array().cloned().unwrap_or_default();
        let text = |issue: &Value, name: &str| issue[name].as_str().unwrap_or_default().to_owned();
        let mut lines = vec![text(&log, "statusSummary")];
        lines.extend(issues.iter().map(|issue| {
            let [severity, path, message] = ["severity", "path", "message"].map(|name| text(issue, name));
            format!("{severity}: {path}: {message}")
        }));
        Ok(lines.join("\n  "))
    }

    /// The ticket of what the notary has accepted, as it is stored; none if it is not there yet.
    fn ticket(&self, kind: Kind, signed: &Path) -> Result<Option<Vec<u8>>> {
        let bytes = untrusted::read(signed)?;
        let folder = tempfile::tempdir().context("making a folder for unfinished files")?;
        let copy = match kind {
            Kind::Bundle => bundle(&bytes)?.unpack(folder.path())?,
            _ => {
                let copy = folder.path().join(signed.file_name().context("a file has a name")?);
                fs::copy(signed, &copy).with_context(|| format!("copying {}", signed.display()))?;
                copy
            }
        };
        if let Err(error) = self.engine()?.call(&json!({ "verb": "staple", "file": copy }), LIMIT) {
            let text = format!("{error:#}");
            return if text.contains("NOT_FOUND") { Ok(None) } else { Err(error) };
        }
        Ok(Some(match kind {
            Kind::Bundle => Bundle::ticket_in(&copy)?,
            Kind::Package => package::detach_ticket(&bytes, &fs::read(&copy)?)?.to_vec(),
            Kind::Image => image::detach(&fs::read(&copy)?)?.context("there is no ticket in it")?.to_vec(),
            Kind::Program => bail!("nothing is stapled to {}", signed.display()),
        }))
    }
}

/// Where a file is signed.
struct Place<'a> {
    folder: &'a Path,
    /// What is there, and what is to be made of it: files, or the folders of bundles.
    from: PathBuf,
    to: PathBuf,
    unsigned: Vec<u8>,
}

impl Place<'_> {
    /// Removes what an earlier attempt left.
    fn clear(&self) -> Result<()> {
        let removed = if self.to.is_dir() {
            fs::remove_dir_all(&self.to)
        } else if self.to.exists() {
            fs::remove_file(&self.to)
        } else {
            Ok(())
        };
        removed.with_context(|| format!("removing {}", self.to.display()))
    }

    /// The signature of what was signed.
    fn detach(&self, kind: Kind) -> Result<Vec<u8>> {
        if kind == Kind::Bundle {
            return bundle(&self.unsigned)?.signature_in(&self.to);
        }
        let signed = untrusted::read(&self.to)?;
        Ok(match kind {
            Kind::Package => package::detach(&self.unsigned, &signed)?.to_vec(),
            Kind::Image => image::detach(&signed)?.context("it is not signed")?.to_vec(),
            _ => program::detach(&signed)?.to_vec(),
        })
    }
}

impl Signer for Apple {
    fn tool(&self) -> String {
        Engine::name()
    }

    fn sign(&self, unsigned: &Path, signature: &Path, said: Option<&str>) -> Result<Answer> {
        let bytes = untrusted::read(unsigned)?;
        let kind = kind_of(&bytes).with_context(|| format!("signing {}", unsigned.display()))?;
        ensure!(
            !is_signed(kind, &bytes)?,
            "{} is signed already; give the unsigned file, as it was built",
            unsigned.display()
        );
        let work = tempfile::tempdir().context("making a folder for unfinished files")?;
        let name = unsigned.file_name().context("a file has a name")?;
        let (mut from, mut to) = (unsigned.to_owned(), work.path().join("signed").join(name));
        fs::create_dir(work.path().join("signed"))?;
        if kind == Kind::Bundle {
            from = bundle(&bytes)?.unpack(&work.path().join("unsigned"))?;
            to.set_file_name(from.file_name().context("a bundle has a name")?);
        }
        let place = Place { folder: work.path(), from, to, unsigned: bytes };
        let key = self.key(usage_of(kind))?;
        let made = if let Key::Command { run } = key {
            let is_there = || place.detach(kind).is_ok_and(|made| apple::is_by_key(&made).unwrap_or(false));
            if let Some(text) = command::sign(run, [&place.from, &place.to], said, &is_there)? {
                return Ok(Answer::Waiting(text));
            }
            let made = place.detach(kind)?;
            ensure!(
                !self.needs_time_stamp || apple::has_time_stamp(&made)?,
                "the signing command of the configuration adds no time stamp, which the notary wants: let it add one, or give --no-timestamp"
            );
            made
        } else {
            self.sign_by_key(key, kind, &place)?
        };
        fs::write(signature, made).with_context(|| format!("writing {}", signature.display()))?;
        Ok(Answer::Signed { extended: false })
    }

    fn is_enough(&self, signature: &Path) -> Result<bool> {
        Ok(!self.needs_time_stamp || apple::has_time_stamp(&untrusted::read(signature)?)?)
    }

    fn attach(&self, signature: &Path, _extended: bool, [from, to]: [&Path; 2]) -> Result<()> {
        let (unsigned, signature) = (untrusted::read(from)?, untrusted::read(signature)?);
        let signed = attach(kind_of(&unsigned)?, &unsigned, &signature)?;
        fs::write(to, signed).with_context(|| format!("writing {}", to.display()))
    }

    fn judge(&self, name: &str, file: &Path) -> Result<()> {
        let judges = Judges::new(Trust::default(), self.trust.clone());
        let verdicts = judges.judge(name, file)?;
        require(&verdicts).context("what was signed does not stand up to verification")?;
        verdicts.iter().for_each(|verdict| eprintln!("{verdict}"));
        Ok(())
    }

    fn notarise(&self, signed: &Path, ticket: &Path, submission: Option<&str>) -> Result<Notarised> {
        let kind = kind_of(&untrusted::read(signed)?)?;
        let key = self.credentials()?;
        let submission = match submission.map_or_else(|| self.submit(kind, signed), |id| Ok(id.to_owned())) {
            Ok(submission) => submission,
            Err(error) => return later(error, None),
        };
        let seconds = self.config()?.notary.as_ref().map_or(0, |notary| notary.wait_seconds);
        let request = json!({ "verb": "wait", "submission": submission, "seconds": seconds, "key": key });
        let answer = match self.engine()?.call(&request, LIMIT + Duration::from_secs(seconds)) {
            Ok(answer) => answer,
            Err(error) => return later(error, Some(submission)),
        };
        match answer.as_str() {
            Some("accepted") => {}
            status => {
                let status = status.unwrap_or("unknown");
                let log = self
                    .log(&submission)
                    .context("the notary did not accept it, and its log cannot be had")?;
                bail!("Apple's notary did not accept it ({status}, submission {submission}):\n  {log}");
            }
        }
        if kind == Kind::Program {
            return Ok(Notarised::Accepted { submission, has_ticket: false });
        }
        match self.ticket(kind, signed) {
            Ok(Some(made)) => {
                fs::write(ticket, made).with_context(|| format!("writing {}", ticket.display()))?;
                Ok(Notarised::Accepted { submission, has_ticket: true })
            }
            Ok(None) => later(anyhow!("its ticket is not there yet"), Some(submission)),
            Err(error) => later(error, Some(submission)),
        }
    }

    fn staple(&self, ticket: &Path, [from, to]: [&Path; 2]) -> Result<()> {
        let (signed, ticket) = (untrusted::read(from)?, untrusted::read(ticket)?);
        let stapled = match kind_of(&signed)? {
            Kind::Bundle => apple::bundle::staple(&signed, &ticket)?,
            Kind::Package => [signed, ticket].concat(),
            Kind::Image => image::attach(&signed, &ticket)?,
            Kind::Program => bail!("nothing is stapled to {}", from.display()),
        };
        fs::write(to, stapled).with_context(|| format!("writing {}", to.display()))
    }
}

/// What the notary refuses is an error; what does not come through is waited for.
fn later(error: anyhow::Error, submission: Option<String>) -> Result<Notarised> {
    crate::process::stop_if_interrupted()?;
    let text = format!("{error:#}");
    if text.contains(REFUSED) {
        return Err(error.context(
            "Apple's notary refuses the request: look at issuer, key_id and key of [apple.notary]",
        ));
    }
    let whom = match &submission {
        Some(id) if text.contains("time limit") => format!("Apple's notary, submission {id}"),
        Some(id) => format!("Apple's notary, submission {id}: {text}"),
        None => format!("Apple's notary, to which nothing could be handed in: {text}"),
    };
    Ok(Notarised::Waiting { submission, whom })
}

fn usage_of(kind: Kind) -> Usage {
    if kind == Kind::Package { Usage::Installer } else { Usage::Application }
}

fn kind_of(bytes: &[u8]) -> Result<Kind> {
    match Kind::of(bytes) {
        None => bail!("it is nothing that is signed for macOS"),
        Some(kind) => Ok(kind),
    }
}

fn bundle(archive: &[u8]) -> Result<Bundle> {
    Bundle::read(archive)?.context("it is no archive of a bundle")
}

/// Whether a key signed something already.
fn is_signed(kind: Kind, bytes: &[u8]) -> Result<bool> {
    let of_program = |bytes: &[u8]| -> Result<bool> {
        for (_, slice) in mach_o::slices(bytes)? {
            if program::is_signed_by_key(slice)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    match kind {
        Kind::Bundle => of_program(bundle(bytes)?.program()?),
        Kind::Package => Ok(package::read(bytes)?.cms.is_some()),
        Kind::Image => Ok(image::detach(bytes)?.is_some()),
        Kind::Program => of_program(bytes),
    }
}

/// An unsigned file with a stored signature.
fn attach(kind: Kind, unsigned: &[u8], signature: &[u8]) -> Result<Vec<u8>> {
    Ok(match kind {
        Kind::Bundle => apple::bundle::attach(unsigned, signature)?,
        Kind::Package => package::attach(unsigned, signature)?,
        Kind::Image => image::attach(unsigned, signature)?,
        Kind::Program => program::attach(unsigned, signature)?,
    })
}

/// Who signs: what a key and its certificates say.
fn identity(key: &Key, usage: Usage) -> Result<Identity> {
    let password = Secret::fetch(key.password())?;
    let password = password.as_ref();
    match key {
        Key::Pem { key, certificates, chain, .. } => {
            Identity::from_pem(key, certificates, chain.as_deref(), password, usage)
        }
        Key::Pkcs12 { file, chain, .. } => Identity::from_pkcs12(file, chain.as_deref(), password, usage),
        Key::Pkcs11 { .. } | Key::Command { .. } => bail!("the engine reaches no such key"),
    }
    .context("the key was not opened")
}
