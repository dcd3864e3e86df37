//! The configuration file.

use pywats_client::config::settings::SETTINGS;
use pywats_client::config::{Config, FileState, Sources};

/// Fails if: any file makes the reader panic or say nothing about what is wrong, a broken file is used in
/// part, reading it again gives something else, or a token is shown.
#[test]
fn configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let sources = Sources::with(Some(path.clone()), |_| None, pywats_client::config::policy::Policies::none);
    let shown = |config: &Config| SETTINGS.iter().map(|setting| (setting.show)(config)).collect::<Vec<_>>();
    let defaults = shown(&sources.load().config);
    fuzz::run("configuration", |input| {
        std::fs::write(&path, input).unwrap();
        let loaded = sources.load();
        assert_eq!(sources.load(), loaded);
        let settings = shown(&loaded.config);
        if loaded.file == FileState::Broken {
            assert!(!loaded.errors.is_empty());
            // Where only folders cannot go together, the rest is used.
            let client = &loaded.config.client;
            let folders =
                [&client.watch_folder, &client.done_folder, &client.failed_folder, &client.archive_folder];
            let clash = loaded.errors.iter().any(|error| error.contains(" folder"));
            if clash {
                assert!(folders.iter().all(|folder| folder.is_none()), "{folders:?}");
            } else {
                assert_eq!(settings, defaults, "of a broken file");
            }
        }
        if let Some(token) = &loaded.config.server.token
            && token.reveal().len() > 8
            // It may stand elsewhere too: as a folder, as the name of a setting, in a default.
            && String::from_utf8_lossy(input).matches(token.reveal()).count() == 1
            && !defaults.iter().flatten().any(|default| default.contains(token.reveal()))
            && !SETTINGS.iter().any(|setting| setting.key.contains(token.reveal()))
        {
            for said in settings.iter().flatten().chain(&loaded.errors).chain(&loaded.warnings) {
                assert!(!said.contains(token.reveal()), "{said}");
            }
        }
        fuzz::way(loaded.file as u8, &[loaded.errors, loaded.warnings, loaded.missing].concat().concat())
    });
}
