//! The cask by which [Homebrew](https://brew.sh) installs the package for macOS, with the service, specified in its
//! [Cask Cookbook](https://docs.brew.sh/Cask-Cookbook). The formula beside it, which cargo-dist writes, is the program
//! alone: so that `brew install` never has to guess, the cask has another name.

use packager::{Artifact, Product};

/// What Homebrew calls it.
pub(super) fn token(product: &Product) -> String {
    format!("{}-service", product.name)
}

/// The cask of this package.
///
/// An upgrade by Homebrew is a removal and an installation: `uninstall` touches neither configuration nor data. What is
/// called zap there is a purge.
pub(super) fn text(
    product: &Product,
    version: &str,
    address: &str,
    name: &str,
    package: &Artifact,
) -> String {
    let label = product.macos.identifier.as_deref().unwrap_or(&product.name);
    // The version is said once: Homebrew's own tools change that line.
    let with_version = |text: &str| quoted(text).replace(version, "#{version}");
    format!(
        r#"cask {token} do
  version {version_text}
  sha256 {sha256}

  url {url}
  name {display_name}
  desc {summary}
  homepage {homepage}

  livecheck do
    url :url
    strategy :github_latest
  end

  depends_on macos: ">= :big_sur"

  pkg {file}

  uninstall launchctl: {label},
            pkgutil:   {label},
            delete:    [
              "/Library/Logs/{bare}.log",
              "/usr/local/bin/{bare}",
            ]

  zap delete: "/Library/Application Support/pyWATS"

  caveats <<~EOS
    The service runs now, and uploads nothing without the address of a server:
      sudo {bare} config set server.url https://example.wats.com
      {bare} status
  EOS
end
"#,
        token = quoted(&token(product)),
        version_text = quoted(version),
        sha256 = quoted(&package.sha256),
        url = with_version(&format!("{address}/{name}")),
        display_name = quoted(&product.display_name),
        summary = quoted(&product.summary),
        homepage = quoted(&format!("{}/", product.homepage.trim_end_matches('/'))),
        file = with_version(name),
        label = quoted(label),
        bare = product.name,
    )
}

/// A text as Ruby takes it between quotation marks, without anything in it that Ruby would replace.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('#', "\\#"))
}
