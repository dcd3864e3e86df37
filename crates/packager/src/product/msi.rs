//! What only the Windows Installer package needs to know.

use anyhow::{Result, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Facts of the Windows Installer package.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Msi {
    /// Identifies the product over all its versions; never changes. Hyphenated, upper case.
    pub upgrade_code: String,
    /// Key below HKEY_LOCAL_MACHINE that keeps what an administrator chose for later upgrades.
    pub registry_key: String,
    /// Folder below Program Files.
    pub install_folder: String,
    /// Folder below ProgramData.
    pub data_folder: String,
    /// Folders made below the data folder.
    pub data_subfolders: Vec<String>,
    /// The one of them that every user of the machine may drop files into.
    pub drop_folder: String,
    /// The first configuration, which is written where there is none.
    pub configuration: Configuration,
    /// Address of the page that shows how the service is, for the Start menu.
    pub status_page: String,
    /// The licence that dialogs show: a plain text, whose paragraphs empty lines separate.
    pub license: PathBuf,
    /// Picture at the head of a page: a bitmap of 493 x 58 pixels, whose left half takes black text.
    pub banner_bitmap: PathBuf,
    /// Picture of the first and last dialog: a bitmap of 493 x 312 pixels, which takes black text right of
    /// its first 170.
    pub dialog_bitmap: PathBuf,
    /// Icon of the product.
    pub icon: PathBuf,
    /// What is lost when configuration and data are deleted.
    pub purge_warning: String,
    /// What to do after the first installation. In brackets may be properties of Windows Installer, such as
    /// `[CommonAppDataFolder]`, which ends with a backslash.
    pub next_steps: String,
}

impl Msi {
    /// The files that go into the package besides the payload.
    pub(crate) fn files(&self) -> [&Path; 4] {
        [&self.license, &self.banner_bitmap, &self.dialog_bitmap, &self.icon].map(PathBuf::as_path)
    }

    /// Refuses what the package could not express.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            self.configuration.settings.len() <= 3,
            "msi.configuration: dialogs have room for three settings"
        );
        ensure!(
            self.data_subfolders.contains(&self.drop_folder),
            "msi.drop_folder {:?}: it is none of the data_subfolders",
            self.drop_folder
        );
        for setting in &self.configuration.settings {
            ensure!(
                setting.copy.is_some() == (setting.kind == SettingKind::SecretFile),
                "msi.configuration, {}: a secret-file, and nothing else, has a copy",
                setting.property
            );
        }
        Ok(())
    }
}

/// The first configuration: a JSON file in the data folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Name of the file.
    pub file: String,
    /// What an administrator may give.
    pub settings: Vec<Setting>,
}

/// A setting that is given as a public property of the installer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The property, in upper case.
    pub property: String,
    /// Where it goes: `section.key`.
    pub name: String,
    /// What it is.
    pub kind: SettingKind,
    /// For a secret: the name of its copy in the data folder.
    pub copy: Option<String>,
    /// What dialogs call it, with a `&` before the letter that leads to it.
    pub label: String,
    /// What to enter, in a few words.
    pub hint: String,
}

/// What a setting is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum SettingKind {
    /// The address of a server.
    Url,
    /// A file that holds a secret: it is copied to where only the service can read it.
    SecretFile,
    /// A folder that users drop files into, instead of `drop_folder`.
    DropFolder,
}
