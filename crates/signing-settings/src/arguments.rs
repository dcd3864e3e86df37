//! Secrets that somebody wrote into the arguments of a command, where everybody on the machine could read them.

/// The first of a command's words after or in which a secret seems to be, which everybody on the machine could read
/// there: in `--storepass secret`, `--storepass=secret`, `TOKEN=secret`.
pub fn secret_option(words: &[String]) -> Option<&str> {
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
