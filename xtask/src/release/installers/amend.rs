//! What cargo-dist's scripts lack: version 0.33 verifies no download in PowerShell, and in a shell only where there is a
//! `sha256sum`, which many a Mac has not. Both are made to refuse what is not the file of the release. And Windows on Arm is
//! to get the program for its processor.
//!
//! A script that is not written as expected is an error, so that nothing is published that verifies less than it says.
//! When cargo-dist verifies by itself ([its issue](https://github.com/axodotdev/cargo-dist/issues/2397)), this goes.

use super::Archive;
use anyhow::{Result, ensure};

/// Where the script for shells gives up verifying. The lines before it ask for `sha256sum`.
const SHELL: &str = r#"            if ! check_cmd sha256sum; then
                say "skipping sha256 checksum verification (it requires the 'sha256sum' command)"
                return 0
            fi
            _calculated_checksum="$(sha256sum -b "$_file" | awk '{printf $1}')"
"#;

/// The first of three programs that is there; one of them is on every system.
const SHELL_AMENDED: &str = r#"            # Changed after cargo-dist wrote it: what cannot be verified is not installed.
            if check_cmd sha256sum; then
                _calculated_checksum="$(sha256sum -b "$_file" | awk '{printf $1}')"
            elif check_cmd shasum; then
                _calculated_checksum="$(shasum -a 256 -b "$_file" | awk '{printf $1}')"
            elif check_cmd openssl; then
                _calculated_checksum="$(openssl dgst -sha256 "$_file" | awk '{printf $NF}')"
            else
                err "the download cannot be verified: install sha256sum, shasum or openssl"
            fi
"#;

/// Where the script for PowerShell has fetched the archive.
const POWERSHELL: &str = "  Invoke-DownloadFile -client $wc -url $url -path $dir_path\n";

/// What cargo-dist lets Windows on Arm fetch, and what there is for it: of the archives for a processor, the script looks
/// for that of the target `-msvc` or `-gnu` only.
const FOR_ARM: [&str; 2] = ["x86_64-pc-windows-gnu", "aarch64-pc-windows-gnullvm"];

/// The script for shells, which verifies or refuses.
///
/// # Errors
/// If it is not written as expected.
pub(super) fn shell(script: &str) -> Result<String> {
    replace(script, SHELL, SHELL_AMENDED)
}

/// The script for PowerShell, which compares what it fetched with the digests of these archives, and fetches for each
/// processor its own.
///
/// # Errors
/// If it is not written as expected.
pub(super) fn powershell(script: &str, archives: &[Archive<'_>]) -> Result<String> {
    let mut digests = String::new();
    for archive in archives.iter().filter(|archive| script.contains(&archive.name)) {
        digests += &format!("    \"{}\" = \"{}\"\n", archive.name, archive.artifact.sha256);
    }
    ensure!(!digests.is_empty(), "it names none of the archives");
    let amended = format!(
        r#"{POWERSHELL}
  # Added after cargo-dist wrote it: what is not the file of the release is not installed.
  $digests = @{{
{digests}  }}
  $expected = $digests[$artifact_name]
  $found = (Get-FileHash -Algorithm SHA256 -LiteralPath $dir_path -ErrorAction Stop).Hash
  if (($null -eq $expected) -or ($found -ne $expected)) {{
    Remove-Item -LiteralPath $tmp -Recurse -Force
    throw "checksum mismatch of ${{url}}: want $expected, got $found"
  }}
"#
    );
    let script = replace(script, POWERSHELL, &amended)?;
    let for_arm = FOR_ARM.map(|triple| archives.iter().find(|archive| archive.triple == triple));
    let [Some(emulated), Some(own)] = for_arm else { return Ok(script) };
    let [emulated, own] = [emulated, own].map(|archive| {
        format!("    \"aarch64-pc-windows-gnu\" = @{{\n      \"artifact_name\" = \"{}\"\n", archive.name)
    });
    replace(&script, &emulated, &own)
}

fn replace(script: &str, from: &str, to: &str) -> Result<String> {
    let count = script.matches(from).count();
    ensure!(
        count == 1,
        "cargo-dist writes it another way: {count} places look as the one that is amended; see xtask/src/release/installers/amend.rs"
    );
    Ok(script.replace(from, to))
}
