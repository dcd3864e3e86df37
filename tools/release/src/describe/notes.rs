//! The release notes, in Markdown: what changed, by the changelog; which file is for whom; how it is checked.

use super::Checkout;
use super::install::{self, choices};
use super::release::Release;
use anyhow::Result;

/// The text.
///
/// # Errors
/// If nobody knows how an artifact is installed.
pub(super) fn notes(checkout: &Checkout, release: &Release) -> Result<String> {
    let mut text = format!("# {} {}\n\n", checkout.product.display_name, release.version);
    for change in &release.entry.changes {
        text += &format!("- {change}\n");
    }
    text += "\n## Install\n\n| for | file | command, in the folder of the file |\n|---|---|---|\n";
    for choice in choices(checkout, release)? {
        let (platform, what, size) = (&choice.platform, choice.what, install::size(choice.artifact.size));
        text += &format!("| {platform} | `{}` ({what}, {size}) | `{}` |\n", choice.file, choice.command);
    }
    text += "\n`install.html` says more of each.\n\nThe program alone, without a service, by a script:\n\n";
    let (name, version) = (&checkout.product.name, release.version);
    let address = format!("{}/releases/download/v{version}/{name}-installer", checkout.repository);
    text += &format!(
        "```\ncurl --proto '=https' --tlsv1.2 -LsSf {address}.sh | sh    # Linux, macOS\n\
         irm {address}.ps1 | iex    # Windows, in PowerShell\n```\n\n## Check what you downloaded\n\n"
    );
    for (what, command) in install::checks(&checkout.product.name) {
        text += &format!("{what}:\n\n```\n{command}\n```\n\n");
    }
    text += install::TRUST;
    text += &format!(
        " `*.cdx.json` and `*.spdx.json` say what is in the programs, `*.intoto.jsonl` how they were made: see \
         <{}/blob/v{}/docs/describing.md>.\n",
        checkout.repository, release.version
    );
    Ok(text)
}
