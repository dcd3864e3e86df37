//! `install.html`: each file, whom it is for, its digest and the command that installs it. The page needs nothing but
//! itself: no script, no other file, no network.

use super::install::{self, choices};
use super::release::Release;
use super::{Checkout, escaped};
use anyhow::Result;

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1, h2 { line-height: 1.2; }
article { border-top: 1px solid var(--line); padding: .75rem 0; }
h3 { margin: 0; font-size: 1.05rem; }
p { margin: .25rem 0; }
pre { margin: .5rem 0; padding: .6rem .8rem; background: var(--soft); border-radius: .4rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
.digest { font-size: .85rem; overflow-wrap: anywhere; }
a { color: LinkText; overflow-wrap: anywhere; }";

/// The page.
///
/// # Errors
/// If nobody knows how an artifact is installed.
pub(super) fn page(checkout: &Checkout, release: &Release) -> Result<String> {
    let title = escaped(&format!("{} {}", checkout.product.display_name, release.version));
    let address = escaped(&format!("{}/releases/tag/v{}", checkout.repository, release.version));
    let mut body = format!(
        "<h1>{title}</h1>\n<p>{}.</p>\n<p>Released on {}. All files: <a href=\"{address}\">{address}</a>. \
         Commands are typed in the folder of the file.</p>\n",
        escaped(&checkout.product.summary),
        release.entry.date
    );
    for choice in choices(checkout, release)? {
        // Beside the file where the page is beside it, which is so in every release.
        let [file, platform, command] = [choice.file, &choice.platform, &choice.command].map(escaped);
        body += &format!(
            "<article>\n<h3>{platform}: {}</h3>\n<p><a href=\"{file}\">{file}</a>, {}</p>\n<pre><code>{command}</code></pre>\n\
             <p>{}</p>\n<p class=\"digest\">SHA-256 <code>{}</code></p>\n</article>\n",
            choice.what,
            install::size(choice.artifact.size),
            escaped(choice.then),
            choice.artifact.sha256
        );
    }
    body += "<h2>Check what you downloaded</h2>\n";
    for (what, command) in install::checks(&checkout.product.name) {
        body += &format!("<p>{}:</p>\n<pre><code>{}</code></pre>\n", escaped(what), escaped(&command));
    }
    body += &format!("<p>{}</p>\n", escaped(install::TRUST));
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>{title}</title>\n\
         <style>\n{STYLE}\n</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    ))
}
