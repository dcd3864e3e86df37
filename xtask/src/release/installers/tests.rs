//! Tests of what needs no cargo-dist; the acceptance suite `installers` runs it.

use super::*;
use crate::plan;

fn artifact(version: &str, content: &str) -> Artifact {
    Artifact {
        artifact: "a".into(),
        format: "tar.gz".into(),
        version: version.into(),
        programs: Vec::new(),
        made_from: Vec::new(),
        size: content.len() as u64,
        sha256: packager::digest::sha256(content.as_bytes()),
        inputs: String::new(),
        toolchain: String::new(),
        source_date_epoch: 0,
    }
}

/// Fails if: cargo-dist's installers would fetch an archive that is not made, or there are none for one that is; another
/// version of it is pinned; or the tap belongs to somebody else.
#[test]
fn the_configuration_fits_what_is_made() {
    let (recipe, configuration) = (plan::recipe().unwrap(), configuration().unwrap());
    let rows = recipe.rows.artifacts().iter();
    let archives = rows
        .filter(|row| ["tar.gz", "zip"].contains(&row.format().unwrap().name()) && row.targets.len() == 1);
    let mut made: Vec<(&str, String)> =
        archives.map(|row| (row.targets[0].as_str(), recipe.file_name(row).unwrap())).collect();
    let targets = targets(&configuration).unwrap();
    let mut fetched: Vec<(&str, String)> =
        targets.iter().map(|triple| (*triple, archive_name(&recipe.product, triple))).collect();
    made.sort();
    fetched.sort();
    assert_eq!(fetched, made);
    let dist = configuration["dist"].as_table().unwrap();
    assert_eq!(dist["cargo-dist-version"].as_str(), Some(cargo_dist::VERSION));
    let owner = workspace::REPOSITORY.strip_prefix("https://github.com/").unwrap().split('/').next().unwrap();
    assert!(dist["tap"].as_str().unwrap().starts_with(&format!("{owner}/")));
}

/// Fails if: a script by another cargo-dist is taken for one that verifies what it fetches.
#[test]
fn scripts_that_are_not_understood_are_refused() {
    let artifact = artifact("1.0.0", "archive");
    let archives = [Archive { triple: "x86_64-pc-windows-gnu", name: "a.zip".into(), artifact: &artifact }];
    let good = "\"a.zip\"\n  Invoke-DownloadFile -client $wc -url $url -path $dir_path\nExpand\n";
    let amended = amend::powershell(good, &archives).unwrap();
    assert!(amended.contains(&format!("\"a.zip\" = \"{}\"", artifact.sha256)), "{amended}");
    assert!(amended.find("throw").unwrap() < amended.find("Expand").unwrap(), "{amended}");
    for wrong in ["", &good.replace("a.zip", "b.zip"), &good.replace("-path", "-to"), &good.repeat(2)] {
        amend::powershell(wrong, &archives).expect_err(wrong);
        amend::shell(wrong).expect_err(wrong);
    }
}

/// Fails if: a folder without files, of two versions, without an archive or with a changed one is taken for a release.
#[test]
fn folders_that_are_no_release_are_refused() {
    let product = Product::load(&workspace::product_manifest()).unwrap();
    let configuration = configuration().unwrap();
    let names: Vec<String> =
        targets(&configuration).unwrap().iter().map(|triple| archive_name(&product, triple)).collect();
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    let refused = |complaint: &str| {
        let error = Release::read(folder.path()).and_then(|release| release.archives().map(|_| ()));
        let error = format!("{:#}", error.expect_err(complaint));
        assert!(error.contains(complaint), "{complaint:?} is not said in {error:?}");
    };
    refused("looking for");
    fs::create_dir(&files).unwrap();
    refused("has no artifacts.json");
    let mut list = Artifacts::default();
    let write = |list: &Artifacts| list.write(&files).unwrap();
    for name in &names[1..] {
        fs::write(files.join(name), "archive").unwrap();
        list.0.insert(name.clone(), artifact("1.0.0", "archive"));
    }
    write(&list);
    refused(&format!("has no {}", names[0]));
    list.0.insert(names[0].clone(), artifact("1.1.0", "archive"));
    write(&list);
    refused("of 2 versions");
    list.0.insert(names[0].clone(), artifact("1.0.0", "archive"));
    write(&list);
    fs::write(files.join(&names[0]), "changed").unwrap();
    refused(&format!("{} was changed", names[0]));
}

/// Fails if: what is not published, or what machine it was made on, is in cargo-dist's manifest.
#[test]
fn the_manifest_names_what_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let release = Release {
        files: folder.path().into(),
        work: folder.path().into(),
        list: Artifacts::default(),
        version: "1.0.0".into(),
        product: Product::load(&workspace::product_manifest()).unwrap(),
        configuration: Table::new(),
    };
    let manifest = json!({
        "systems": { "build": { "glibc": 36 } },
        "releases": [{ "artifacts": ["a.zip", "sha256.sum"] }],
        "artifacts": {
            "a.zip": { "kind": "executable-zip", "checksum": "a.zip.sha256", "checksums": { "sha256": "00" } },
            "a.zip.sha256": { "kind": "checksum" },
            "sha256.sum": { "kind": "unified-checksum" },
        },
    });
    let published: Value = serde_json::from_str(&release.published(manifest).unwrap()).unwrap();
    let expected = json!({
        "releases": [{ "artifacts": ["a.zip"] }],
        "artifacts": { "a.zip": { "kind": "executable-zip", "checksums": { "sha256": "00" } } },
    });
    assert_eq!(published, expected);
}

/// Fails if: the cask is missing where there is a package, has another digest or address than the package, says the
/// version in a second place, or lets Ruby read a text of the product as a program; or a changed package, or a second
/// one, is not refused.
#[test]
fn the_cask_names_the_package() {
    let folder = tempfile::tempdir().unwrap();
    let mut release = Release {
        files: folder.path().join("files"),
        work: folder.path().join("work"),
        list: Artifacts::default(),
        version: "1.2.0-beta.1".into(),
        product: Product::load(&workspace::product_manifest()).unwrap(),
        configuration: Table::new(),
    };
    fs::create_dir(&release.files).unwrap();
    assert!(release.cask().unwrap().is_none(), "of no package");
    release.product.summary = "Says \"#{`false`}\" \\ 1.2.0-beta.1".into();
    let package = Artifact { format: "pkg".into(), ..artifact(&release.version, "package") };
    let name = &format!("pywats-client-{}.pkg", release.version);
    fs::write(release.files.join(name), "package").unwrap();
    release.list.0.insert(name.into(), package.clone());
    release.cask().unwrap().unwrap().appear().unwrap();
    let cask = fs::read_to_string(release.work.join("homebrew/Casks/pywats-client-service.rb")).unwrap();
    let address = release.address().replace("1.2.0-beta.1", "#{version}");
    for line in [
        "cask \"pywats-client-service\" do".to_owned(),
        "  version \"1.2.0-beta.1\"".to_owned(),
        format!("  sha256 \"{}\"", package.sha256),
        format!("  url \"{address}/pywats-client-#{{version}}.pkg\""),
        "  pkg \"pywats-client-#{version}.pkg\"".to_owned(),
        r#"  desc "Says \"\#{`false`}\" \\ 1.2.0-beta.1""#.to_owned(),
        "  uninstall launchctl: \"com.virinco.pywats-client\",".to_owned(),
    ] {
        assert!(cask.lines().any(|other| other == line), "{line} is not in:\n{cask}");
    }
    fs::write(release.files.join(name), "changed").unwrap();
    assert!(format!("{:#}", release.cask().err().unwrap()).contains("was changed"));
    release.list.0.insert("other.pkg".into(), package);
    assert!(format!("{:#}", release.cask().err().unwrap()).contains("two packages"));
}

/// Fails if: the manifests for winget lie elsewhere than in its repository.
#[test]
fn wingets_folders() {
    let folder = winget_folder("Virinco.pyWATSClient", "1.0.0");
    assert_eq!(folder, Path::new("manifests/v/Virinco/pyWATSClient/1.0.0"));
}
