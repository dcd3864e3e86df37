//! Secrets: they show neither in the arguments of any program, nor in the environment of osslsigncode, nor in
//! anything that is printed or written.

use super::Case;
use super::authority::{PASSWORD, PIN};
use super::workshop::{VARIABLE, Workshop, files, installed};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub(super) const CASES: &[(&str, Case)] = &[("secrets show nowhere", nowhere)];

/// Stands before osslsigncode: notes arguments, as `/proc` shows them, and environment.
const WITNESS: &str = r#"#!/bin/sh
{ tr '\0' '\n' < "/proc/$$/cmdline"; env; ls "$TMPDIR"; } >> "$WITNESS"
exec 'PROGRAM' "$@"
"#;

/// Fails if: somebody else on the machine, or who reads the log or the artifacts, can learn a password.
fn nowhere(workshop: &Workshop, folder: &Path) -> Result<()> {
    let path = std::env::var_os("PATH").context("PATH is not set")?;
    let real = installed("osslsigncode")?;
    let programs = folder.join("programs");
    fs::create_dir(&programs)?;
    let witness = programs.join("osslsigncode");
    fs::write(&witness, WITNESS.replace("PROGRAM", &real.to_string_lossy()))?;
    fs::set_permissions(&witness, fs::Permissions::from_mode(0o755))?;
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path)))?;

    for (index, (key, variable)) in [
        ("pem", None),
        ("pkcs12 without its password", Some((VARIABLE, PASSWORD))),
        ("pkcs11 with a PIN from the environment", Some(("OUR_PIN", PIN))),
    ]
    .into_iter()
    .enumerate()
    {
        let place = |name: &str| folder.join(format!("{index}-{name}"));
        let [out, seen, temporary] = ["out", "seen", "temporary"].map(place);
        fs::create_dir(&temporary)?;
        let configuration = workshop.configure(folder, key)?;
        let mut sign = workshop.sign(&configuration, &out).arg("zip");
        sign = sign.env("PATH", &path).env("WITNESS", &seen).env("TMPDIR", &temporary);
        if let Some((name, secret)) = variable {
            sign = sign.env(name, secret);
        }
        let output = sign.output()?;
        ensure!(output.status.success(), "{key}: {}", String::from_utf8_lossy(&output.stderr));
        let witnessed = fs::read(&seen).context("osslsigncode was never run")?;
        let text = String::from_utf8_lossy(&witnessed);
        ensure!(text.contains("-readpass") && text.contains("add"), "the witness saw nothing:\n{text}");
        ensure!(files(&temporary)?.is_empty(), "{key}: it left {:?}", files(&temporary)?);
        let mut places = vec![
            (seen, witnessed),
            (PathBuf::from("what it prints"), [output.stdout, output.stderr].concat()),
        ];
        for file in files(&out)? {
            places.push((file.clone(), fs::read(out.join(file))?));
        }
        for (place, bytes) in places {
            for secret in [PASSWORD, PIN] {
                let shows = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                ensure!(!shows, "{key}: a secret shows in {}", place.display());
            }
        }
    }
    Ok(())
}
