//! What holds for every format: names, the same bytes every time, and errors that say what is wrong.
//! Whether other programs can read the packages is for the acceptance bench, which runs those programs.

mod sample;

use packager::{Format, Os, Platform, Product, Target, Version, formats};
use sample::{EPOCH, MANIFEST, PROGRAM, ROWS, Sample};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Every pair of format and target that this crate packs by itself, without Windows Installer.
const PACKED: &[(&str, &str, &str)] = &[
    ("deb", "x86_64-linux", "sample_0.2.0~rc1_amd64.deb"),
    ("deb", "aarch64-linux", "sample_0.2.0~rc1_arm64.deb"),
    ("rpm", "x86_64-linux", "sample-0.2.0~rc1-1.x86_64.rpm"),
    ("rpm", "aarch64-linux", "sample-0.2.0~rc1-1.aarch64.rpm"),
    ("appimage", "x86_64-linux", "sample-0.2.0-rc.1-x86_64.AppImage"),
    ("appimage", "aarch64-linux", "sample-0.2.0-rc.1-aarch64.AppImage"),
    ("docker-archive", "x86_64-linux", "sample-0.2.0-rc.1-docker-amd64.tar"),
    ("docker-archive", "aarch64-linux", "sample-0.2.0-rc.1-docker-arm64.tar"),
    ("tar.gz", "x86_64-linux", "sample-x86_64-unknown-linux-musl.tar.gz"),
    ("tar.gz", "aarch64-macos", "sample-aarch64-apple-darwin.tar.gz"),
    ("tar.gz", "aarch64-macos,x86_64-macos", "sample-universal-apple-darwin.tar.gz"),
    ("zip", "x86_64-windows", "sample-x86_64-pc-windows-gnu.zip"),
    ("zip", "aarch64-windows", "sample-aarch64-pc-windows-gnullvm.zip"),
    ("app", "aarch64-macos,x86_64-macos", "sample-0.2.0-rc.1-macos-app.zip"),
    ("exe", "x86_64-windows", "sample-0.2.0-rc.1-x86_64-windows.exe"),
    ("exe", "aarch64-windows", "sample-0.2.0-rc.1-aarch64-windows.exe"),
    ("exe", "x86_64-linux", "sample-0.2.0-rc.1-x86_64-linux"),
    ("exe", "aarch64-macos,x86_64-macos", "sample-0.2.0-rc.1-universal-macos"),
    (
        "wheel",
        "aarch64-linux",
        "the_sample-0.2.0rc1-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.musllinux_1_1_aarch64.whl",
    ),
    ("wheel", "x86_64-windows", "the_sample-0.2.0rc1-py3-none-win_amd64.whl"),
    ("wheel", "aarch64-windows", "the_sample-0.2.0rc1-py3-none-win_arm64.whl"),
    ("wheel", "aarch64-macos,x86_64-macos", "the_sample-0.2.0rc1-py3-none-macosx_11_0_universal2.whl"),
];

/// The names of the files in a folder, hidden ones included; none if there is no such folder.
fn names_in(folder: &Path) -> Vec<String> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> =
        files.map(|file| file.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Fails if: a file name differs from the convention of its format, a format claims a system it has no
/// package for, or packing leaves anything but the package behind.
#[test]
fn names_follow_conventions() {
    let sample = Sample::new(MANIFEST, ROWS);
    for (format, target, name) in PACKED {
        let path = sample.pack(format, target, EPOCH).unwrap_or_else(|e| panic!("{format} {target}: {e:?}"));
        assert_eq!(path.file_name().and_then(|n| n.to_str()), Some(*name));
    }
    let mut expected: Vec<_> = PACKED.iter().map(|(_, _, name)| (*name).to_owned()).collect();
    expected.sort();
    assert_eq!(names_in(&sample.path("out")), expected);

    for (format, refused) in [
        ("deb", ["x86_64-windows", "x86_64-macos"]),
        ("rpm", ["x86_64-windows", "aarch64-macos"]),
        ("appimage", ["x86_64-windows", "aarch64-macos"]),
        ("tar.gz", ["x86_64-windows", "aarch64-windows"]),
        ("zip", ["x86_64-linux", "aarch64-macos"]),
        ("docker-archive", ["x86_64-windows", "aarch64-macos"]),
        ("oci", ["x86_64-windows", "aarch64-macos"]),
        ("app", ["x86_64-linux", "aarch64-windows"]),
        ("pkg", ["x86_64-linux", "aarch64-windows"]),
    ] {
        for target in refused {
            let target: Target = target.parse().unwrap();
            assert!(!formats::by_name(format).unwrap().supports(&target.into()), "{format} for {target}");
        }
    }
    let linux = ["x86_64-linux", "aarch64-linux"].map(|target| target.parse().unwrap());
    for platform in [Platform::any_processor(Os::MacOs), Platform::new(&linux).unwrap()] {
        for format in ["tar.gz", "exe", "wheel"] {
            assert!(!formats::by_name(format).unwrap().supports(&platform), "{format} for {platform}");
        }
    }
}

/// Fails if: a package depends on where, when, in which order or with which permissions its sources lie.
#[test]
fn bytes_depend_on_content_alone() {
    let one = Sample::new(MANIFEST, ROWS);
    let reversed: Vec<_> = ROWS.iter().rev().copied().collect();
    let other = Sample::new(MANIFEST, &reversed);
    for name in [PROGRAM, "script", "LICENSE", "man/sample.1", "CHANGELOG.md"] {
        let file = File::options().write(true).open(other.path(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
    for (format, target, name) in PACKED {
        let bytes = |sample: &Sample| fs::read(sample.pack(format, target, EPOCH).unwrap()).unwrap();
        let first = bytes(&one);
        assert!(first == bytes(&one), "{name} differs when it is packed again");
        assert!(first == bytes(&other), "{name} differs in another folder");
        let later = fs::read(one.pack(format, target, EPOCH + 86_400).unwrap()).unwrap();
        // A gzipped tar has its times inside the compressed stream, so every format must notice. A program
        // alone has no place for a time.
        assert_eq!(first == later, *format == "exe", "{name} does not carry the time it was given");
    }
}

/// Fails if: packing what cannot be packed succeeds, does not say what is wrong, or leaves a file behind.
#[test]
fn refuses_with_a_reason() {
    let row = |format: &str, rest: &str| format!("formats = [\"{format}\"]\n{rest}");
    let cases = [
        ("deb", row("deb", "path = \"x\"\nkind = \"file\"\nsource = \"none\""), "none is not a file"),
        ("rpm", row("rpm", "path = \"x\"\nkind = \"file\"\nsource = \"none\""), "none is not a file"),
        ("zip", row("zip", "path = \"x\"\nkind = \"file\"\nsource = \"man\""), "man is not a file"),
        ("deb", row("deb", "path = \"x\"\nkind = \"file\""), "source is missing"),
        ("deb", row("deb", "path = \"x\"\nkind = \"file\"\nsource = \"script\"\nmode = \"0888\""), "octal"),
        ("deb", row("deb", "path = \"../x\"\nkind = \"directory\""), "'..'"),
        ("deb", row("deb", "path = \"/x\"\nkind = \"directory\""), "relative"),
        ("deb", row("deb", "path = \"x\"\nkind = \"folder\""), "unknown variant `folder`"),
        ("deb", row("deb", "path = \"x\"\nkind = \"directory\"\nowner = \"sample:sample\""), "tmpfiles.d"),
        ("deb", row("deb", "path = \"x\"\nkind = \"directory\"\nowner = \"root\""), "user:group"),
        (
            "deb",
            row("deb", "path = \"x\"\nkind = \"directory\"\nsystems = [\"unix\"]"),
            "unknown variant `unix`",
        ),
        ("deb", row("deb", "path = \"x/*\"\nkind = \"file\"\nsource = \"man/*.7\""), "no file matches"),
        ("deb", row("deb", "path = \"x/*\"\nkind = \"file\"\nsource = \"none/*.7\""), "none/*.7"),
        ("deb", row("deb", "path = \"usr/bin/sample\"\nkind = \"directory\""), "two payload entries"),
        (
            "docker-archive",
            row("docker-archive", "path = \"x\"\nkind = \"directory\"\nowner = \"sample:users\""),
            "no account \"users\"",
        ),
        ("zip", row("zip", "path = \"x\"\nkind = \"link\"\ntarget = \"y\""), "no links"),
        ("exe", row("exe", "path = \"x\"\nkind = \"directory\""), "x: the format exe holds the program"),
        ("wheel", row("wheel", "path = \"x\"\nkind = \"directory\""), "x: a wheel holds"),
        ("wheel", row("wheel", "path = \"bin/x\"\nkind = \"program\""), "bin/x: the program of a wheel"),
        (
            "appimage",
            row("appimage", "path = \"x\"\nkind = \"link\"\ntarget = \"\""),
            "x: this link points nowhere",
        ),
        ("appimage", row("appimage", "path = \"x\"\nkind = \"runtime\""), "x is not a file"),
        ("appimage", row("appimage", "path = \"AppRun/x\"\nkind = \"directory\""), "no folder"),
        (
            "tar.gz",
            row("tar.gz", &format!("path = \"x\"\nkind = \"link\"\ntarget = \"{}\"", "y".repeat(101))),
            "longer",
        ),
    ];
    let windows = |format: &str| matches!(format, "zip" | "exe");
    let target = |format: &str| if windows(format) { "x86_64-windows" } else { "x86_64-linux" };
    let check = |sample: &Sample, format: &str, epoch: u32, complaint: &str| {
        let error = sample.pack(format, target(format), epoch).expect_err(complaint);
        let text = format!("{error:#}");
        assert!(text.contains(complaint), "{complaint:?} is not said in: {text}");
        assert_eq!(names_in(&sample.path("out")), [""; 0], "{complaint}: something was left behind");
    };
    for (format, extra, complaint) in &cases {
        let mut rows = ROWS.to_vec();
        rows.push(extra);
        check(&Sample::new(MANIFEST, &rows), format, EPOCH, complaint);
    }
    for (format, from, to, complaint) in [
        ("deb", "{ postinst =", "{ post-inst =", "[deb.scripts] names \"post-inst\""),
        ("deb", "{ Depends =", "{ Requires =", "[deb.relations] names \"Requires\""),
        ("deb", "\"libc6 (>= 2.31), base-files\"", "\"a\\nb\"", "more than one line"),
        ("rpm", "{ post =", "{ postinst =", "[rpm.scripts] names \"postinst\""),
        ("rpm", "{ post = \"script\"", "{ post = \"none\"", "none"),
        ("docker-archive", "id = 65532", "id = 0", "does not run as root"),
        ("docker-archive", "registry.example.org/example/sample", "Sample:1", "REGISTRY/PATH"),
        ("docker-archive", "volume = \"/var/lib/sample\"", "volume = \"/data\"", "no such folder"),
        ("docker-archive", "volume = \"/var/lib/sample\"", "volume = \"data/\"", "full path"),
        ("deb", "license = ", "licence = ", "unknown field `licence`"),
        ("wheel", "\"the-sample\"", "\"The_Sample\"", "[wheel] name \"The_Sample\""),
        ("wheel", "\"the-sample\"", "\"the--sample\"", "[wheel] name \"the--sample\""),
        ("wheel", "\"11.0\"", "\"11\"", "[wheel] macos_version \"11\""),
        ("wheel", "\">=3.9\"", "\">=3.9\\nHome-page: x\"", "Requires-Python has more than one line"),
        ("wheel", "\"README\"", "\"none\"", "none"),
    ] {
        check(&Sample::new(&MANIFEST.replace(from, to), ROWS), format, EPOCH, complaint);
    }
    for (format, epoch, complaint) in [("zip", 1, "from 1980 on"), ("rpm", u32::MAX, "lies in the future")] {
        check(&Sample::new(MANIFEST, ROWS), format, epoch, complaint);
    }
    check(&Sample::new(MANIFEST, &[]), "deb", EPOCH, "payload");
    for (missing, complaint) in [
        ("appimage-runtime", "exactly one entry of kind \"runtime\""),
        ("AppRun", "an AppImage needs AppRun in its root"),
        (".DirIcon", "an AppImage needs .DirIcon in its root"),
    ] {
        let rows: Vec<_> = ROWS.iter().filter(|row| !row.contains(missing)).copied().collect();
        check(&Sample::new(MANIFEST, &rows), "appimage", EPOCH, complaint);
    }
}

/// Fails if: an unknown format is not answered by the list of known ones.
#[test]
fn names_the_known_formats() {
    let error = formats::by_name("apk").map(Format::name).expect_err("apk is no format").to_string();
    for format in formats::ALL {
        assert!(error.contains(format.name()), "{error}");
    }
}

/// Fails if: a version is not turned into the notation of the format in the file's name.
#[test]
fn pre_releases_sort_before_releases_in_names() {
    let sample = Sample::new(MANIFEST, ROWS);
    let product = Product::load(&sample.path("product.toml")).unwrap();
    let platform = Platform::from("x86_64-linux".parse::<Target>().unwrap());
    for (version, deb) in
        [("1.0.0", "sample_1.0.0_amd64.deb"), ("1.0.0-beta.2", "sample_1.0.0~beta2_amd64.deb")]
    {
        let version: Version = version.parse().unwrap();
        assert_eq!(formats::by_name("deb").unwrap().file_name(&product, &version, &platform), deb);
    }
}

/// Fails if: the program as a file of its own differs in a single bit from the program that was built.
#[test]
fn an_exe_is_the_program_itself() {
    let sample = Sample::new(MANIFEST, ROWS);
    for (target, program) in [("x86_64-windows", "program/sample.exe"), ("aarch64-linux", "arm64/sample")] {
        let packed = sample.pack("exe", target, EPOCH).unwrap();
        assert!(fs::read(packed).unwrap() == fs::read(sample.path(program)).unwrap(), "{target}");
    }
}
