//! The application: unpacked by unzip, bsdtar and 7-Zip, its list read by Python and its icon by icnsutil.

use super::{BUNDLE, listing, property_list, python, same_folders};
use crate::bench::Bench;
use crate::command::{said, tool};
use crate::products::{self, compare, workspace};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The sizes of pictures in an icon, by type.
const ICON: &[(&str, u32)] = &[
    ("ic04", 16),
    ("ic05", 32),
    ("ic07", 128),
    ("ic08", 256),
    ("ic09", 512),
    ("ic10", 1024),
    ("ic11", 32),
    ("ic12", 64),
    ("ic13", 256),
    ("ic14", 512),
];

/// Judges the archive; returns the bundle, unpacked by unzip.
pub(super) fn judge(bench: &mut Bench, zip: &Path) -> Result<PathBuf> {
    let folder = bench.folder("app")?;
    let name = zip.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let unzipped = folder.join("unzip");
    tool("unzip", 60).arg("-q").arg(zip).arg("-d").arg(&unzipped).run()?;
    let bundle = unzipped.join(BUNDLE);
    bench.case(&format!("{name}: unzip, bsdtar and 7-Zip unpack the same, with modes"), || {
        let (bsdtar, seven) = (folder.join("bsdtar"), folder.join("7z"));
        fs::create_dir(&bsdtar)?;
        tool("bsdtar", 60).arg("-xpf").arg(zip).arg("-C").arg(&bsdtar).run()?;
        tool("7z", 60).arg("x").arg(format!("-o{}", seven.display())).arg(zip).run()?;
        same_folders(&unzipped, &bsdtar, true)?;
        same_folders(&unzipped, &seven, true)
    });
    bench.case(&format!("{name}: has what belongs into a bundle, and only programs may be run"), || {
        let top: Vec<_> = fs::read_dir(&unzipped)?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
        ensure!(top == [BUNDLE], "at its top is {top:?}");
        let found = listing(&bundle)?;
        for (path, mode) in [
            ("Contents/Info.plist", 0o644),
            ("Contents/MacOS/pywats-client", 0o755),
            ("Contents/Resources/LICENSE.txt", 0o644),
            ("Contents/Resources/THIRD-PARTY-LICENSES.txt", 0o644),
            ("Contents/Resources/man/pywats-client.1", 0o644),
            ("Contents/Resources/pywats-client.icns", 0o644),
            ("Contents/Resources/uninstall.sh", 0o755),
        ] {
            ensure!(found.get(Path::new(path)) == Some(&Some(mode)), "{path}: {:?}", found.get(Path::new(path)));
        }
        let runs = |(path, mode): &(&PathBuf, &Option<u32>)| {
            mode.is_some_and(|mode| mode & 0o111 != 0) && !path.ends_with("uninstall.sh")
        };
        let programs: Vec<_> = found.iter().filter(runs).map(|(path, _)| path.display().to_string()).collect();
        ensure!(programs == ["Contents/MacOS/pywats-client"], "{programs:?} may be run");
        Ok(())
    });
    let archive = bench.artifact("-universal-apple-darwin.tar.gz");
    bench.case(&format!("{name}: its program is the universal one, bit for bit"), || {
        let inside = folder.join("tar");
        fs::create_dir(&inside)?;
        tool("tar", 60).args(["--strip-components=1", "-xzf"]).arg(archive?).arg("-C").arg(&inside).run()?;
        compare(&inside.join("pywats-client"), &bundle.join("Contents/MacOS/pywats-client"))
    });
    bench.case(&format!("{name}: Python's plistlib reads its list, which says what the product is"), || {
        judge_list(&property_list(&bundle.join("Contents/Info.plist"))?)
    });
    bench.case(&format!("{name}: icnsutil finds every size in its icon, with the pixels of the logo"), || {
        judge_icon(&bundle.join("Contents/Resources/pywats-client.icns"), &folder)
    });
    Ok(bundle)
}

fn judge_list(list: &Value) -> Result<()> {
    let recipe = products::recipe()?;
    let (product, version) = (&recipe.product, &recipe.version);
    let targets: toml::Table = toml::from_str(&fs::read_to_string(workspace().join("targets.toml"))?)?;
    for (key, value) in [
        ("CFBundleDevelopmentRegion", json!("en")),
        ("CFBundleDisplayName", json!(product.display_name)),
        ("CFBundleExecutable", json!("pywats-client")),
        ("CFBundleIconFile", json!("pywats-client")),
        ("CFBundleIdentifier", json!(product.macos_identifier())),
        ("CFBundleInfoDictionaryVersion", json!("6.0")),
        ("CFBundleName", json!(product.display_name)),
        ("CFBundlePackageType", json!("APPL")),
        ("CFBundleShortVersionString", json!(version.triple())),
        ("CFBundleSupportedPlatforms", json!(["MacOSX"])),
        ("CFBundleVersion", json!(version.msi())),
        ("LSApplicationCategoryType", json!("public.app-category.utilities")),
        ("LSArchitecturePriority", json!(["arm64", "x86_64"])),
        ("LSMinimumSystemVersion", json!(targets["macos_version"].as_str())),
        ("LSUIElement", json!(true)),
        ("NSHumanReadableCopyright", json!(format!("© {}", product.vendor))),
    ] {
        ensure!(list[key] == value, "{key} is {}, not {value}", list[key]);
    }
    ensure!(list.as_object().is_some_and(|list| list.len() == 16), "it says more: {list:#}");
    Ok(())
}

/// Every size is there; of the size that is there as a PNG and coded by runs, both have the same pixels.
fn judge_icon(icon: &Path, folder: &Path) -> Result<()> {
    let script = "\
import json, sys
from icnsutil import ArgbImage, IcnsFile
icon = IcnsFile(sys.argv[1])
assert not list(IcnsFile.verify(sys.argv[1])), list(IcnsFile.verify(sys.argv[1]))
open(sys.argv[2], 'wb').write(icon.media['ic11'])
coded = ArgbImage(data=icon.media['ic05'])
pixels = bytes(byte for pixel in zip(coded.r, coded.g, coded.b, coded.a) for byte in pixel)
open(sys.argv[3], 'wb').write(pixels)
small = ArgbImage(data=icon.media['ic04'])
sizes = {key: small.size[0] if key == 'ic04' else coded.size[0] if key == 'ic05' else \
         int.from_bytes(data[16:20], 'big') for key, data in icon.media.items()}
print(json.dumps(sizes))
";
    let (png, pixels) = (folder.join("icon.png"), folder.join("icon.rgba"));
    let text = python()?.args(["-c", script]).arg(icon).args([&png, &pixels]).read()?;
    let sizes: Value = serde_json::from_str(&text)?;
    let expected: serde_json::Map<_, _> =
        ICON.iter().map(|(kind, size)| ((*kind).to_owned(), json!(size))).collect();
    ensure!(sizes == Value::Object(expected), "it has {sizes}");
    let printed = tool("convert", 60).arg(&png).arg("ppm:-").output()?;
    ensure!(printed.status.success(), "convert does not read the PNG\n{}", said(&printed));
    let drawn = printed.stdout.strip_prefix(b"P6\n32 32\n255\n").context("convert prints no PPM of 32 pixels")?;
    let coded = fs::read(&pixels)?;
    ensure!(coded.len() == 32 * 32 * 4 && drawn.len() == 32 * 32 * 3, "there is no picture of 32 pixels");
    // A PPM has no transparency.
    let opaque = coded.chunks_exact(4).zip(drawn.chunks_exact(3)).filter(|(coded, _)| coded[3] == 255);
    let opaque: Vec<_> = opaque.collect();
    let other = opaque.iter().filter(|(coded, drawn)| coded[..3] != **drawn).count();
    ensure!(other == 0, "{other} pixels of the picture coded by runs are others than those of the PNG");
    ensure!(opaque.len() > 400 && coded[3] == 0, "{} pixels are opaque, and none may be at the edge", opaque.len());
    Ok(())
}
