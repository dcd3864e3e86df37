//! The man pages and shell completions in `packaging/` are those of the command line; the templates of the group
//! policies, profile and schema for macOS, and the table in `docs/policy.md` are those of the table of settings.
//!
//! `UPDATE_GENERATED=1 cargo test -p pywats-client --test generated` writes them anew.

#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod judge;
mod managed;
mod templates;

use clap_complete::{Shell, generate};
use clap_mangen::Man;
use pywats_client::config::Config;
use pywats_client::config::settings::{SETTINGS, Setting};
use pywats_client::config::watch_folders::FIELDS;
use pywats_client::{cli, exit};
use roff::{Roff, bold, roman};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const NAME: &str = "pywats-client";

/// Every generated file, by its path below `packaging/`.
fn generated() -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    // Who reads a page needs no page about help.
    let mut command = cli::command().disable_help_subcommand(true);
    command.build();
    files.insert(PathBuf::from(format!("man/{NAME}.1")), main_page(&command));
    pages(&command, NAME, &mut files);
    for (shell, file) in [
        (Shell::Bash, "pywats-client.bash"),
        (Shell::Zsh, "_pywats-client"),
        (Shell::Fish, "pywats-client.fish"),
        (Shell::PowerShell, "pywats-client.ps1"),
    ] {
        let mut text = Vec::new();
        generate(shell, &mut cli::command(), NAME, &mut text);
        if let Shell::Bash = shell {
            text = with_own_labels(&text);
        }
        files.insert(Path::new("completions").join(file), text);
    }
    let policy = Path::new("windows/policy");
    files.insert(policy.join("pywats-client.admx"), templates::admx().into_bytes());
    files.insert(policy.join("en-US/pywats-client.adml"), templates::adml().into_bytes());
    let managed = Path::new("macos/managed");
    files.insert(managed.join("pywats-client.mobileconfig"), managed::mobileconfig().into_bytes());
    files.insert(managed.join("com.virinco.pywats-client.json"), managed::schema().into_bytes());
    files
}

/// clap_complete takes the dash of the program's name for that of a subcommand where it writes labels, and not where it
/// looks for them: nothing is completed then.
fn with_own_labels(text: &[u8]) -> Vec<u8> {
    let (program, dash) = (NAME.replace('-', "__"), NAME.replace('-', "__subcmd__"));
    String::from_utf8_lossy(text).replace(&dash, &program).into_bytes()
}

/// A page for each subcommand, and for those that it has itself.
fn pages(command: &clap::Command, above: &str, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for subcommand in command.get_subcommands() {
        let name = format!("{above}-{}", subcommand.get_name());
        files.insert(
            PathBuf::from(format!("man/{name}.1")),
            page(&subcommand.clone().display_name(name.clone())),
        );
        pages(subcommand, &name, files);
    }
}

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging")
}

fn man(command: &clap::Command) -> Man {
    Man::new(command.clone().version(env!("CARGO_PKG_VERSION"))).manual("pyWATS Client")
}

fn page(command: &clap::Command) -> Vec<u8> {
    let mut text = Vec::new();
    man(command).render(&mut text).unwrap();
    text
}

/// The page of the program itself, with the sections that the command line does not know.
fn main_page(command: &clap::Command) -> Vec<u8> {
    let man = man(command);
    let mut text = Vec::new();
    man.render_title(&mut text).unwrap();
    man.render_name_section(&mut text).unwrap();
    man.render_synopsis_section(&mut text).unwrap();
    man.render_description_section(&mut text).unwrap();
    man.render_options_section(&mut text).unwrap();
    man.render_subcommands_section(&mut text).unwrap();
    let codes: Vec<(String, &str)> =
        exit::TABLE.iter().map(|(_, code, what)| (code.to_string(), *what)).collect();
    let codes: Vec<(&str, &str)> = codes.iter().map(|(code, what)| (code.as_str(), *what)).collect();
    text.extend(configuration());
    text.extend(rows_of_folders());
    for (title, entries) in cli::SECTIONS {
        if *title == "EXAMPLES" {
            text.extend(section("EXIT STATUS", &codes));
        }
        text.extend(section(title, entries));
    }
    one_preamble(&text)
}

/// Every setting of the configuration file, from the same table that reads it.
fn configuration() -> Vec<u8> {
    let entries: Vec<(String, String)> = SETTINGS
        .iter()
        .map(|setting| {
            let default = default_of(setting).map_or(String::new(), |value| format!(" [default: {value}]"));
            (setting.name(), format!("{}. {}{default}", sentence(setting.expects), setting.env_name()))
        })
        .collect();
    let entries: Vec<(&str, &str)> =
        entries.iter().map(|(key, what)| (key.as_str(), what.as_str())).collect();
    section("CONFIGURATION", &entries)
}

/// Every key of a row of `folders`, from the same table that reads it.
fn rows_of_folders() -> Vec<u8> {
    let entries = FIELDS.map(|field| {
        let default =
            field.default.map_or_else(|| " [required]".to_owned(), |value| format!(" [default: {value}]"));
        (field.key, format!("{}.{default}", sentence(field.expects)))
    });
    let entries: Vec<(&str, &str)> = entries.iter().map(|(key, what)| (*key, what.as_str())).collect();
    section("KEYS OF A FOLDER IN folders", &entries)
}

/// The same for those who read the documents.
fn folders_table() -> String {
    let rows = FIELDS.iter().map(|field| {
        let default = field.default.map_or_else(|| "required".to_owned(), |value| format!("`{value}`"));
        format!("| `{}` | {} | {default} |\n", field.key, sentence(field.expects))
    });
    format!("| key | what to write | default |\n|---|---|---|\n{}", rows.collect::<String>())
}

/// What is in force where nothing is configured, on any machine.
fn default_of(setting: &Setting) -> Option<String> {
    match setting.name().as_str() {
        "station.name" => Some("the name of the host".to_owned()),
        _ => (setting.show)(&Config::new()),
    }
}

/// The settings for those who read the documents.
fn settings_table() -> String {
    let rows = SETTINGS.iter().map(|setting| {
        let default = default_of(setting).map_or_else(|| "-".to_owned(), |value| format!("`{value}`"));
        let expects = sentence(setting.expects).replace('|', "\\|");
        format!("| `{}` | `{}` | {expects} | {default} |\n", setting.name(), setting.env_name())
    });
    format!(
        "| setting | environment variable | what to write | default |\n|---|---|---|---|\n{}",
        rows.collect::<String>()
    )
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// Each part of a page brings the same definition of the apostrophe; one is enough.
fn one_preamble(text: &[u8]) -> Vec<u8> {
    const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";
    let text = String::from_utf8(text.to_vec()).unwrap();
    format!("{PREAMBLE}{}", text.replace(PREAMBLE, "")).into_bytes()
}

fn section(title: &str, entries: &[(&str, &str)]) -> Vec<u8> {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (term, what) in entries {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*what)]);
    }
    roff.to_roff().into_bytes()
}

/// Writes the files anew if that was asked for.
fn update(path: &Path, content: &[u8]) {
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

const UPDATE: &str = "run: UPDATE_GENERATED=1 cargo test -p pywats-client --test generated";

/// Every exit code with its meaning.
fn exit_codes() -> String {
    let rows =
        exit::TABLE.iter().map(|(_, code, what)| format!("| {code} | {} |\n", what.trim_end_matches('.')));
    format!("| code | meaning |\n|---|---|\n{}", rows.collect::<String>())
}

/// Fails if: bash completes nothing behind a verb.
#[test]
#[cfg(target_os = "linux")]
fn bash_completes_each_level() {
    for (words, wanted) in [
        (&["pywats-client", "diag"][..], "diagnose"),
        (&["pywats-client", "queue", "dr"], "drop"),
        (&["pywats-client", "folders", "add", "--prio"], "--priority"),
    ] {
        let [.., before, word] = words else { panic!() };
        let script = format!(
            "source '{}'; COMP_WORDS=({}); COMP_CWORD={}; _pywats__client pywats-client {word} {before}; \
             echo \"${{COMPREPLY[@]}}\"",
            packaging().join("completions/pywats-client.bash").display(),
            words.join(" "),
            words.len() - 1
        );
        let said = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), wanted, "{words:?}");
    }
}

/// Fails if: a committed man page, completion or template is not what the program says now, or there is one
/// of a subcommand that does not exist any more.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the pages show the defaults of Linux")]
fn generated_files_are_current() {
    let (packaging, generated) = (packaging(), generated());
    for (path, content) in &generated {
        update(&packaging.join(path), content);
        let committed = fs::read(packaging.join(path)).unwrap_or_default();
        assert!(&committed == content, "packaging/{} is not current; {UPDATE}", path.display());
    }
    for folder in ["man", "completions", "windows/policy", "windows/policy/en-US", "macos/managed"] {
        for entry in fs::read_dir(packaging.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            let known = entry.path().is_dir() || generated.contains_key(&Path::new(folder).join(&name));
            assert!(
                known,
                "packaging/{folder}/{} is generated by nothing; remove it",
                name.to_string_lossy()
            );
        }
    }
}

/// Fails if: the example of a list of folders is not JSON, or not taken as it is.
#[test]
fn the_example_of_folders_is_taken() {
    let text = fs::read_to_string(packaging().join("../docs/configuration.md")).unwrap();
    let (_, rest) = text.split_once("## Several folders").expect("the page has a part about folders");
    let example: String =
        rest.lines().skip_while(|l| !l.starts_with("    ")).take_while(|l| l.starts_with("    ")).collect();
    let example: serde_json::Value = serde_json::from_str(&example).unwrap();
    // The full paths of the example are those of Linux.
    if cfg!(unix) {
        assert_eq!(pywats_client::config::watch_folders::read(&example["folders"]).unwrap().len(), 2);
    }
    assert_eq!(pywats_client::config::watch_folders::unknown_fields(&example["folders"]), []);
}

/// Fails if: the tables of policies and settings for users are not those of the program.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the table shows the defaults of Linux")]
fn the_tables_are_current() {
    for (page, what, table) in [
        ("docs/policy.md", "policies", templates::table()),
        ("docs/configuration.md", "settings", settings_table()),
        ("docs/configuration.md", "keys of a folder", folders_table()),
        ("docs/station.md", "exit codes", exit_codes()),
    ] {
        let path = packaging().join("..").join(page);
        let text = fs::read_to_string(&path).unwrap();
        let (begin, end) = (format!("<!-- {what}: begin, generated -->\n"), format!("<!-- {what}: end -->"));
        let (before, rest) = text.split_once(&begin).expect("the page marks where the table begins");
        let (_, after) = rest.split_once(&end).expect("the page marks where the table ends");
        let current = format!("{before}{begin}{table}{end}{after}");
        update(&path, current.as_bytes());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text == current, "{page} is not current; {UPDATE}");
    }
}
