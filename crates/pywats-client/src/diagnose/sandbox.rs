//! What the unit of the service lets it see and write, by the rules of
//! [systemd.exec(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Sandboxing).
//!
//! The settings come from `systemctl show`, which knows drop-ins; they are judged here, apart from all I/O.

use crate::allow::quoted;
use std::path::{Path, PathBuf};

/// The properties that are asked for.
pub const PROPERTIES: &[&str] = &[
    "LoadState",
    "User",
    "Group",
    "SupplementaryGroups",
    "Environment",
    "ProtectHome",
    "ProtectSystem",
    "PrivateTmp",
    "ReadWritePaths",
    "ReadOnlyPaths",
    "InaccessiblePaths",
    "BindPaths",
    "StateDirectory",
    "LogsDirectory",
    "CacheDirectory",
    "RuntimeDirectory",
];

/// The unit as systemd has loaded it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    properties: Vec<(String, String)>,
}

/// What the unit takes away of a place, and the lines of a drop-in that give it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The setting of the unit, as `ProtectHome=yes`.
    pub setting: String,
    /// Whether the place cannot be seen at all; else it is read-only.
    pub hidden: bool,
    /// What allows it, line by line.
    pub lines: Vec<String>,
}

impl Unit {
    /// Reads the output of `systemctl show`; `None` where systemd knows no such unit.
    pub fn read(text: &str) -> Option<Unit> {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let unit =
            Unit { properties: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() };
        (unit.get("LoadState") == "loaded").then_some(unit)
    }

    /// The unit as it would be without lines that were added to it by [`Ban::lines`].
    #[must_use]
    pub fn without(mut self, added: &[String]) -> Unit {
        for line in added {
            let Some((name, value)) = line.split_once('=') else { continue };
            let Some((_, found)) = self.properties.iter_mut().find(|(found, _)| found == name) else {
                continue;
            };
            match value {
                // As the packaged unit has it.
                "no" => *found = "yes".to_owned(),
                _ => {
                    let entry = words(value).concat().replace("%%", "%");
                    let mut entries = words(found);
                    if let Some(at) = entries.iter().position(|known| *known == entry) {
                        entries.remove(at);
                    }
                    *found = entries.iter().map(|entry| in_quotes(entry)).collect::<Vec<_>>().join(" ");
                }
            }
        }
        self
    }

    /// A property, empty where it is not set.
    pub fn get(&self, name: &str) -> &str {
        self.properties.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// A variable of the service's environment.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let pairs = self.get("Environment").split_whitespace();
        pairs
            .filter_map(|pair| pair.trim_matches('"').split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v)
    }

    /// What forbids the service to write to a folder, whoever owns it.
    pub fn forbids(&self, folder: &Path) -> Option<Ban> {
        // Without the minus a folder that is missing, as a share that is away, would keep the service from starting.
        let read_write = format!("ReadWritePaths={}", in_a_list(&format!("-{}", folder.display())));
        let ban = |name: &str, hidden: bool, lines: &[&str]| {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            Some(Ban { setting: format!("{name}={}", self.get(name)), hidden, lines })
        };
        let is_bound = self.has("BindPaths", folder);
        if is_bound {
            return None;
        }
        if self.has("InaccessiblePaths", folder) {
            return ban("InaccessiblePaths", true, &["InaccessiblePaths=", &read_write]);
        }
        // Not written as paths: a program that names no folder of whoever built it is what a test looks for.
        let homes = ["home", "root", "run/user"].map(|home| Path::new("/").join(home));
        if homes.iter().any(|home| folder.starts_with(home)) {
            match self.get("ProtectHome") {
                "yes" | "tmpfs" => return ban("ProtectHome", true, &["ProtectHome=no", &read_write]),
                "read-only" if !self.has("ReadWritePaths", folder) => {
                    return ban("ProtectHome", false, &["ProtectHome=no", &read_write]);
                }
                _ => {}
            }
        }
        let is_temporary = ["/tmp", "/var/tmp"].iter().any(|temporary| folder.starts_with(temporary));
        if is_temporary && !matches!(self.get("PrivateTmp"), "" | "no") {
            // Its own are empty: nothing that others put there is seen.
            return ban("PrivateTmp", true, &["PrivateTmp=no", &read_write]);
        }
        if self.has("ReadOnlyPaths", folder) && !self.has("ReadWritePaths", folder) {
            return ban("ReadOnlyPaths", false, &[&read_write]);
        }
        let is_read_only = match self.get("ProtectSystem") {
            "strict" => true,
            "full" => ["/usr", "/boot", "/efi", "/etc"].iter().any(|system| folder.starts_with(system)),
            "yes" => ["/usr", "/boot", "/efi"].iter().any(|system| folder.starts_with(system)),
            _ => false,
        };
        if is_read_only && !self.has("ReadWritePaths", folder) && !self.is_own(folder) {
            return ban("ProtectSystem", false, &[&read_write]);
        }
        None
    }

    /// Whether a list of paths has this folder or one above it.
    fn has(&self, list: &str, folder: &Path) -> bool {
        words(self.get(list)).iter().any(|entry| {
            let entry = entry.trim_start_matches(['-', '+']);
            // BindPaths: SOURCE:DESTINATION:OPTIONS, of which the service sees the destination.
            let mut parts = entry.split(':').filter(|_| list == "BindPaths");
            let source = parts.next().unwrap_or(entry);
            let seen = parts.next().filter(|destination| !destination.is_empty()).unwrap_or(source);
            !seen.is_empty() && folder.starts_with(seen)
        })
    }

    /// Whether a folder is one that systemd keeps for the service.
    pub fn is_own(&self, folder: &Path) -> bool {
        let places = [
            ("StateDirectory", "/var/lib"),
            ("LogsDirectory", "/var/log"),
            ("CacheDirectory", "/var/cache"),
            ("RuntimeDirectory", "/run"),
        ];
        places.iter().any(|(name, place)| {
            let mut names = self.get(name).split_whitespace();
            names.any(|name| folder.starts_with(PathBuf::from(place).join(name)))
        })
    }
}

impl Ban {
    /// What it does, and the commands that end it.
    pub fn describe(&self, unit: &str) -> String {
        let what = if self.hidden { "is hidden from the service" } else { "is read-only for the service" };
        let folder = format!("/etc/systemd/system/{unit}.service.d");
        let lines: String = self.lines.iter().map(|line| format!(" {}", quoted(line))).collect();
        format!(
            "{what} by {} of its unit; allow it with a drop-in: mkdir -p {folder} && printf '%s\\n' '[Service]'{lines} > \
             {folder}/folders.conf && systemctl daemon-reload && systemctl restart {unit} (to a drop-in that exists, \
             add the lines instead)",
            self.setting
        )
    }
}

/// A word of a list in a unit, in which a percent sign would be a specifier.
fn in_a_list(word: &str) -> String {
    in_quotes(&word.replace('%', "%%"))
}

/// A word in quotes where it needs them, by the rules of
/// [systemd.syntax(7)](https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html#Quoting).
fn in_quotes(word: &str) -> String {
    if word.contains([' ', '"', '\'', '\\']) {
        format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\""))
    } else {
        word.to_owned()
    }
}

/// The words of a list, as units and `systemctl show` have them.
fn words(list: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = list.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', _) => word.get_or_insert_default().extend(characters.next()),
            ('"' | '\'', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (_, Some(open)) if character == open => quote = None,
            (_, None) if character.is_ascii_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The unit that is packaged, as `systemctl show` says it, with further properties.
    fn packaged(more: &str) -> Unit {
        let text = format!(
            "{more}\nLoadState=loaded\nUser=pywats\nGroup=pywats\nEnvironment=A=1 PYWATS_CONFIG=/srv/c.json\n\
             ProtectHome=yes\nProtectSystem=strict\nPrivateTmp=yes\nReadWritePaths=-/run/pywats\nReadOnlyPaths=\n\
             InaccessiblePaths=\nBindPaths=\nStateDirectory=pywats\nRuntimeDirectory=\n"
        );
        Unit::read(&text).unwrap()
    }

    /// Fails if: a place that the unit takes away passes for one that it leaves, or the other way round, or what is
    /// to be allowed is wrong.
    #[test]
    fn knows_what_the_unit_forbids() {
        let home: &'static [&'static str] = &["ProtectHome=no", "ReadWritePaths=-/home/op/reports"];
        let srv: &'static [&'static str] = &["ReadWritePaths=-/srv/results"];
        type Wanted = Option<(&'static str, &'static [&'static str])>;
        // What is set besides, the folder, the setting that forbids it, and what allows it.
        let cases: [(&str, &str, Wanted); 17] = [
            ("", "/var/lib/pywats/watch", None),
            ("", "/var/lib/pywats", None),
            ("", "/run/pywats", None),
            ("", "/var/lib/other", Some(("ProtectSystem=strict", &["ReadWritePaths=-/var/lib/other"]))),
            ("", "/srv/results", Some(("ProtectSystem=strict", srv))),
            ("", "/home/op/reports", Some(("ProtectHome=yes", home))),
            ("", "/homes/op", Some(("ProtectSystem=strict", &["ReadWritePaths=-/homes/op"]))),
            (
                "",
                "/tmp/reports",
                Some(("PrivateTmp=yes", &["PrivateTmp=no", "ReadWritePaths=-/tmp/reports"])),
            ),
            (
                "PrivateTmp=no",
                "/tmp/reports",
                Some(("ProtectSystem=strict", &["ReadWritePaths=-/tmp/reports"])),
            ),
            ("ReadWritePaths=/srv", "/srv/results", None),
            ("ReadWritePaths=-/mnt /srv/results", "/srv/results", None),
            ("ReadWritePaths=/srv/other", "/srv/results", Some(("ProtectSystem=strict", srv))),
            ("ReadWritePaths=/home/op/reports", "/home/op/reports", Some(("ProtectHome=yes", home))),
            ("BindPaths=/data:/home/op/reports:rbind", "/home/op/reports", None),
            ("ProtectHome=no\nReadWritePaths=/home/op/reports", "/home/op/reports", None),
            ("ProtectHome=read-only", "/home/op/reports", Some(("ProtectHome=read-only", home))),
            ("ProtectSystem=full", "/srv/results", None),
        ];
        for (more, folder, wanted) in cases {
            let found = packaged(more).forbids(Path::new(folder));
            let found = found
                .as_ref()
                .map(|ban| (ban.setting.as_str(), ban.lines.iter().map(String::as_str).collect::<Vec<_>>()));
            assert_eq!(found, wanted.map(|(setting, lines)| (setting, lines.to_vec())), "{more} {folder}");
        }
    }

    /// Fails if: the output of systemctl is misread, or the command that allows a place is incomplete.
    #[test]
    fn reads_and_describes() {
        assert_eq!(Unit::read("LoadState=not-found\nProtectHome=no\n"), None);
        assert_eq!(Unit::read(""), None);
        let unit = packaged("");
        assert_eq!((unit.get("User"), unit.variable("PYWATS_CONFIG")), ("pywats", Some("/srv/c.json")));
        assert_eq!(unit.variable("NOTHING"), None);
        let text = unit.forbids(Path::new("/srv/results")).unwrap().describe("pywats-client");
        let command = "mkdir -p /etc/systemd/system/pywats-client.service.d && printf '%s\\n' \
                       '[Service]' ReadWritePaths=-/srv/results > \
                       /etc/systemd/system/pywats-client.service.d/folders.conf && systemctl daemon-reload";
        assert!(text.starts_with("is read-only for the service by ProtectSystem=strict"), "{text}");
        assert!(text.contains(command), "{text}");
    }

    /// Fails if: a folder with spaces, quotes or percent signs is another one for systemd, or what systemd says of it is
    /// misread, or what was added for a folder stays when that is left out.
    #[test]
    fn odd_names() {
        let odd = Path::new(r#"/srv/Prüf "feld" 100% a\b"#);
        let ban = packaged("").forbids(odd).unwrap();
        assert_eq!(ban.lines, [r#"ReadWritePaths="-/srv/Prüf \"feld\" 100%% a\\b""#]);
        // As `systemctl show` prints it.
        let shown = r#"ReadWritePaths=-/run/pywats "-/srv/Prüf \"feld\" 100% a\\b" -/srv/two"#;
        assert_eq!(packaged(shown).forbids(odd), None);
        assert_eq!(packaged(shown).forbids(Path::new("/srv/two")), None);
        assert!(packaged(shown).forbids(Path::new("/srv/Prüf")).is_some());
        assert!(packaged(shown).without(&ban.lines).forbids(odd).is_some());
        assert_eq!(packaged(shown).without(&ban.lines).forbids(Path::new("/srv/two")), None);
        let home =
            packaged("ProtectHome=no\nReadWritePaths=-/home/op").without(&["ProtectHome=no".to_owned()]);
        assert_eq!(home.forbids(Path::new("/home/op")).unwrap().lines[0], "ProtectHome=no");
    }
}
