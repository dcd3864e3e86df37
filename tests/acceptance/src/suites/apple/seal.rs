//! Signatures for macOS, as others read them: the engine of rcodesign, and Python's plistlib and hashlib.
//!
//! `PYWATS_APPLE_ENGINE` names the folder with the engine: `cargo xtask test` sets it.

use super::python_with;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::Path;

/// What the engine says of every signature that no key made: it asks all of them for a CMS signature.
pub(super) const NO_CMS: &str = "CMS error: missing further values";

/// What the signatures of a bundle's program say.
pub(in crate::suites) struct Seal {
    /// Name and flags, a slice each.
    pub(in crate::suites) signatures: Vec<(String, String)>,
    /// What the engine finds wrong with the program.
    pub(in crate::suites) problems: Vec<String>,
}

/// Reads the seal of a bundle.
///
/// # Errors
/// If its list has not the digests of its files and of no other, or a slice of its program not that of the list.
pub(in crate::suites) fn read(bundle: &Path) -> Result<Seal> {
    let script = "\
import hashlib, json, os, plistlib, sys
from apple_platform import reading
contents = os.path.join(sys.argv[1], 'Contents')
read = lambda path: open(os.path.join(contents, path), 'rb').read()
program = 'MacOS/' + plistlib.loads(read('Info.plist'))['CFBundleExecutable']
seal = plistlib.loads(read('_CodeSignature/CodeResources'))
files = {os.path.relpath(os.path.join(folder, name), contents) for folder, _, names in os.walk(contents) for name in names}
listed = files - {program, 'Info.plist', '_CodeSignature/CodeResources', 'CodeResources'}
assert set(seal['files2']) == set(seal['files']) == listed, listed ^ set(seal['files2'])
for path in listed:
    assert seal['files'][path] == hashlib.sha1(read(path)).digest(), path
    assert seal['files2'][path]['hash2'] == hashlib.sha256(read(path)).digest(), path
program = os.path.join(contents, program)
said = []
for directory in reading.find_values(reading.read_signature(program), 'code_directory'):
    slots = dict(slot.split(': ') for slot in directory['slot_digests'])
    for slot, path in [('Info (1)', 'Info.plist'), ('Resources (3)', '_CodeSignature/CodeResources')]:
        assert slots.get(slot) == hashlib.sha256(read(path)).hexdigest(), (slot, slots)
    said.append([directory['identifier'], directory['flags']])
print(json.dumps([said, [problem['description'] for problem in reading.verify_macho(program)]]))
";
    let text = python_with("PYWATS_APPLE_ENGINE")?.args(["-c", script]).arg(bundle).read()?;
    let (signatures, problems) = serde_json::from_str(&text).context("Python prints something else")?;
    Ok(Seal { signatures, problems })
}

/// Lets the engine read the signature of a package or disk image, and returns what it finds.
///
/// # Errors
/// If it calls something in it wrong, or there is no signature.
pub(in crate::suites) fn believed(file: &Path) -> Result<Value> {
    let script = "\
import json, sys
from apple_platform import reading
print(json.dumps(reading.read_signature(sys.argv[1])))
";
    let text = python_with("PYWATS_APPLE_ENGINE")?.args(["-c", script]).arg(file).read()?;
    let found = serde_json::from_str(&text)?;
    let mut verdicts = Vec::new();
    collect(&found, &mut verdicts);
    let is_signed = verdicts.iter().any(|(key, _)| *key == "signature_verifies");
    ensure!(is_signed, "the engine finds no signature in {}: {found:#}", file.display());
    ensure!(verdicts.iter().all(|(_, verdict)| *verdict == true), "{}: {verdicts:?}", file.display());
    Ok(found)
}

/// Everything that something in it is said to verify or not.
fn collect<'a>(found: &'a Value, verdicts: &mut Vec<(&'a str, &'a Value)>) {
    match found {
        Value::Array(all) => all.iter().for_each(|one| collect(one, verdicts)),
        Value::Object(all) => all.iter().for_each(|(key, value)| {
            if key.ends_with("verifies") {
                verdicts.push((key, value));
            }
            collect(value, verdicts);
        }),
        _ => {}
    }
}
