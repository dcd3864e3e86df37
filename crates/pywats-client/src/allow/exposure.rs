//! How much of the system the unit of the service exposes, by the rating of
//! [systemd-analyze(1)](https://www.freedesktop.org/software/systemd/man/latest/systemd-analyze.html): from 0, nothing,
//! to 10, everything.

use std::process::{Command, Stdio};

/// The rating of the unit as it is loaded, such as `1.1`; none where systemd gives none.
pub fn exposure() -> Option<String> {
    let mut command = Command::new("systemd-analyze");
    command.args(["--no-pager", "security", "pywats-client.service"]).stdin(Stdio::null());
    rating(&String::from_utf8_lossy(&command.output().ok()?.stdout)).map(str::to_owned)
}

/// The last line has it: `→ Overall exposure level for pywats-client.service: 1.1 OK`.
fn rating(printed: &str) -> Option<&str> {
    let (_, rest) = printed.rsplit_once("Overall exposure level for ")?;
    let rating = rest.split_once(": ")?.1.split_whitespace().next()?;
    rating.parse::<f64>().is_ok().then_some(rating)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the rating is not found, or something else is taken for it.
    #[test]
    fn the_rating_is_found() {
        let line = "→ Overall exposure level for pywats-client.service: 1.7 OK 🙂\n";
        assert_eq!(rating(line), Some("1.7"));
        assert_eq!(rating(&format!("✓ PrivateTmp= ...\n\n{line}")), Some("1.7"));
        assert_eq!(rating("Overall exposure level for x.service: unknown"), None);
        assert_eq!(rating("Failed to connect to bus"), None);
    }
}
