//! The property list by which `service install` registers the service with launchd, and whose a property list is that
//! is there: see [launchd.plist(5)](https://keith.github.io/xcode-man-pages/launchd.plist.5.html).
//!
//! The package brings one of its own, which names the program in the bundle.

use super::super::Installer;
use super::accounts::ACCOUNT;
use super::launchd::LABEL;
use std::path::{Path, PathBuf};

/// Where the system notes that the package was installed.
pub(super) const RECEIPT: &str = "/var/db/receipts/com.virinco.pywats-client.plist";
/// Where launchd puts what the service says before its log is open.
pub(super) const STDERR: &str = "/Library/Logs/pywats-client.log";
/// Stands in what `service install` has written.
const MARK: &str = "<!-- written by: pywats-client service install -->";
/// Stands there, too, where the program was copied for the service.
const COPIED: &str = "<!-- the program was copied there -->";

/// The property list for this program.
pub(super) fn text(program: &Path, copied: bool) -> String {
    let program = program.display().to_string().replace('&', "&amp;").replace('<', "&lt;");
    let copied = if copied { format!("\n{COPIED}") } else { String::new() };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
{MARK}{copied}
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>{LABEL}</string>
	<key>ProgramArguments</key>
	<array>
		<string>{program}</string>
		<string>run</string>
		<string>--service</string>
	</array>
	<key>UserName</key>
	<string>{ACCOUNT}</string>
	<key>GroupName</key>
	<string>{ACCOUNT}</string>
	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<true/>
	<key>ThrottleInterval</key>
	<integer>10</integer>
	<key>ExitTimeOut</key>
	<integer>30</integer>
	<key>ProcessType</key>
	<string>Background</string>
	<key>Umask</key>
	<integer>23</integer>
	<key>StandardErrorPath</key>
	<string>{STDERR}</string>
</dict>
</plist>
"#
    )
}

/// Who has installed the service whose property list has this text. `receipt` says whether the package was installed.
pub(super) fn installer(text: &str, receipt: bool) -> Installer {
    if receipt && !text.contains(MARK) { Installer::Package } else { Installer::Here }
}

/// The program that was copied for the service.
pub(super) fn copied_program(text: &str) -> Option<PathBuf> {
    if !text.contains(MARK) || !text.contains(COPIED) {
        return None;
    }
    let value = plist::Value::from_reader_xml(text.as_bytes()).ok()?;
    let arguments = value.as_dictionary()?.get("ProgramArguments")?.as_array()?;
    let program = PathBuf::from(arguments.first()?.as_string()?);
    program.is_absolute().then_some(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the property list is none, does not start the service as the package does, or `service uninstall` does
    /// not know what is its own and what was copied.
    #[test]
    fn the_property_list_is_known_again() {
        let program = Path::new("/usr/local/A & B<C>/pywats-client");
        for copied in [true, false] {
            let text = text(program, copied);
            let value = plist::Value::from_reader_xml(text.as_bytes()).unwrap();
            let dictionary = value.as_dictionary().unwrap();
            let string = |key: &str| dictionary[key].as_string().unwrap();
            assert_eq!((string("Label"), string("UserName")), (LABEL, ACCOUNT));
            let arguments: Vec<_> = dictionary["ProgramArguments"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one.as_string().unwrap())
                .collect();
            assert_eq!(arguments, [program.to_str().unwrap(), "run", "--service"]);
            for key in ["RunAtLoad", "KeepAlive"] {
                assert_eq!(dictionary[key].as_boolean(), Some(true), "{key}");
            }
            assert_eq!(dictionary["Umask"].as_unsigned_integer(), Some(0o027));
            assert_eq!(installer(&text, true), Installer::Here, "left beside an old receipt");
            assert_eq!(copied_program(&text), copied.then(|| program.to_path_buf()));
            let others = text.replace(MARK, "");
            assert_eq!(copied_program(&others), None);
            assert_eq!(
                [installer(&others, true), installer(&others, false)],
                [Installer::Package, Installer::Here]
            );
        }
    }
}
