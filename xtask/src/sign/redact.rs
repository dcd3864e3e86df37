//! Errors about a configuration, without what may be a secret in it: a password written where its place belongs, or
//! handed to a command.

/// What is wrong with a configuration and where; never a value.
pub(crate) fn describe(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
    let line = before.matches('\n').count();
    if text.parse::<toml::Table>().is_err() {
        return format!("line {}: this is no TOML", line + 1);
    }
    let message = error.message();
    // These name keys; every other message may quote a value.
    let names_keys = ["missing field", "unknown field"].iter().any(|start| message.starts_with(start));
    let what = if names_keys { message } else { "this is not what belongs here" };
    let key = key_path(text, line);
    let is_secret = ["password", "pin"].iter().any(|name| key.ends_with(name));
    let advice = if is_secret {
        "; give the place of a password or PIN: { file = \"FILE\" } or { env = \"NAME\" }"
    } else {
        ""
    };
    format!("line {}: {key}: {what}{advice}", line + 1)
}

/// The key of a line of what is TOML, such as `key.pem.password`, as far as it is written without quotes.
fn key_path(text: &str, line: usize) -> String {
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let section = |line: &str| {
        line.trim()
            .strip_prefix('[')?
            .split_once(']')
            .map(|(name, _)| name.trim().to_owned())
            .filter(|n| plain(n))
    };
    let lines: Vec<&str> = text.lines().take(line + 1).collect();
    let key = lines.last().and_then(|line| line.split_once('=')).map(|(key, _)| key.trim().to_owned());
    let section = lines.iter().rev().find_map(|line| section(line));
    let parts: Vec<String> = section.into_iter().chain(key.filter(|key| plain(key))).collect();
    if parts.is_empty() { "the file".to_owned() } else { parts.join(".") }
}

/// The first of a command's words after or in which a secret seems to be, which everybody on the machine could read
/// there: in `--storepass secret`, `--storepass=secret`, `TOKEN=secret`.
pub(crate) fn secret_option(words: &[String]) -> Option<&str> {
    let mut following = words.iter().skip(1);
    words.iter().find_map(|word| {
        let next = following.next();
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None if word.starts_with('-') => (word.as_str(), next.map(String::as_str)),
            None => return None,
        };
        let is_place = |value: &str| ["env:", "file:"].iter().any(|place| value.starts_with(place));
        (names_secret(name) && value.is_some_and(|value| !is_place(value))).then_some(name)
    })
}

/// Whether what has this name is a secret.
fn names_secret(name: &str) -> bool {
    const ENDS: &[&str] = &["pass", "password", "passphrase", "passwd", "pwd", "token", "pin", "pin-value"];
    let name = name.to_ascii_lowercase();
    // With this, osslsigncode takes the name of a file.
    name != "-readpass" && (name.contains("secret") || ENDS.iter().any(|end| name.ends_with(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a secret behind an option is accepted or shows, or what is none is refused.
    #[test]
    fn finds_secrets_in_arguments() {
        for (words, found) in [
            (&["--storepass", "hush"][..], Some("--storepass")),
            (&["--storepass=hush"], Some("--storepass")),
            (&["--storepass=a=hush"], Some("--storepass")),
            (&["--azure-key-vault-client-secret", "hush"], Some("--azure-key-vault-client-secret")),
            (&["--aws-secret-access-key=hush"], Some("--aws-secret-access-key")),
            (&["--accessToken", "hush"], Some("--accessToken")),
            (&["--pin", "hush"], Some("--pin")),
            (&["-PASSWORD", "hush"], Some("-PASSWORD")),
            (&["env", "SIGN_TOKEN=hush", "jsign"], Some("SIGN_TOKEN")),
            (&["--storepass", "env:TOKEN"], None),
            (&["--storepass=file:token"], None),
            (&["-readpass", "file"], None),
            (&["--alias", "account/profile", "--name=My Client"], None),
            (&["/opt/pass", "--in"], None),
            (&["--storepass"], None),
        ] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(secret_option(&words), found, "{words:?}");
        }
    }
}
