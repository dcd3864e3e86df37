//! Wheels for Python, judged by those who will read and install them. Each system gets its own, and installed, the
//! program is a command that runs, also beside the vendor's Python library, which has a command of a similar name.
//!
//! The programs that judge are in the folder that `PYWATS_WHEEL_JUDGES` names, pip alone in that of `PYWATS_WHEEL_PIP`,
//! the wheels of the vendor's library in that of `PYWATS_WHEEL_NEIGHBOURS`; `cargo xtask test wheels` sets them. Nothing
//! asks the package index.

mod choice;
mod environment;

use crate::bench::Bench;
use crate::command::{Tool, said, tool};
use super::formats::archive::program_of;
use crate::products::{recipe, workspace};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// The name of the distribution and of its command.
const NAME: &str = "pywats-client-native";
/// What a file name begins with.
const MODULE: &str = "pywats_client_native";

/// The wheels, by what their names end with, and the archives that have the same programs.
const WHEELS: &[(&str, &str)] = &[
    ("musllinux_1_1_x86_64.whl", "-x86_64-unknown-linux-musl.tar.gz"),
    ("musllinux_1_1_aarch64.whl", "-aarch64-unknown-linux-musl.tar.gz"),
    ("_universal2.whl", "-universal-apple-darwin.tar.gz"),
    ("win_amd64.whl", "-x86_64-pc-windows-gnu.zip"),
    ("win_arm64.whl", "-aarch64-pc-windows-gnullvm.zip"),
];

/// What packaging, which pip and the package index read wheels with, is asked: whether it reads name and metadata as
/// they are meant, and whether the index knows the classifiers.
const READ: &str = r#"
import email, sys, zipfile
from packaging.metadata import Metadata
from packaging.utils import canonicalize_name, parse_wheel_filename
from trove_classifiers import classifiers
expected_name, expected_version, *paths = sys.argv[1:]
for path in paths:
    file = path.rsplit("/", 1)[1]
    name, version, build, tags = parse_wheel_filename(file)
    assert (name, str(version), build) == (expected_name, expected_version, ()), file
    with zipfile.ZipFile(path) as wheel:
        folder = file.split("-py3-")[0] + ".dist-info/"
        metadata = Metadata.from_email(wheel.read(folder + "METADATA"), validate=True)
        described = email.message_from_bytes(wheel.read(folder + "WHEEL"))
        names = wheel.namelist()
    assert canonicalize_name(metadata.name) == name and metadata.version == version, file
    assert {str(tag) for tag in tags} == set(described.get_all("Tag")), file
    assert [folder + "licenses/" + license for license in metadata.license_files] == [
        name for name in names if "/licenses/" in name
    ], file
    unknown = set(metadata.classifiers) - classifiers
    assert not unknown, unknown
    compressed = file.removesuffix(".whl").split("-")[-1].split(".")
    assert compressed == sorted(compressed), "the tags are not in their order"
"#;

/// What all cases know.
struct World {
    /// The folder of the programs that judge.
    judges: PathBuf,
    /// The folder of pip: what lies beside it counts as installed.
    pip: PathBuf,
    /// The folder of the vendor's wheels.
    neighbours: PathBuf,
    /// A folder with the wheels and nothing else.
    links: PathBuf,
    wheels: Vec<Wheel>,
    /// The version, as Python writes it.
    version: String,
    /// An empty folder for what programs keep.
    home: PathBuf,
}

/// One of them.
struct Wheel {
    /// The file.
    path: PathBuf,
    /// The archive that has the same program.
    archive: PathBuf,
    /// What is in it, once it was unpacked.
    tree: PathBuf,
}

/// Runs the cases.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let variable = |name: &str| {
        let folder = std::env::var_os(name).map(PathBuf::from);
        folder.with_context(|| format!("{name}: run `cargo xtask test wheels`"))
    };
    let folder = bench.folder("wheels")?;
    let [links, home, unpacked] = ["links", "home", "unpacked"].map(|name| folder.join(name));
    for folder in [&links, &home, &unpacked] {
        fs::create_dir(folder)?;
    }
    let version = recipe()?.version.pep440();
    let mut wheels = Vec::new();
    for (path, archive) in WHEELS {
        let (path, archive) = (bench.artifact(path)?, bench.artifact(archive)?);
        fs::copy(&path, links.join(path.file_name().context("a file has a name")?))?;
        let tree = unpacked.join(wheels.len().to_string()).join(format!("{MODULE}-{version}"));
        wheels.push(Wheel { path, archive, tree });
    }
    let world = &World {
        judges: variable("PYWATS_WHEEL_JUDGES")?,
        pip: variable("PYWATS_WHEEL_PIP")?,
        neighbours: variable("PYWATS_WHEEL_NEIGHBOURS")?,
        links,
        wheels,
        version,
        home,
    };
    bench.case("twine, check-wheel-contents and packaging accept every wheel", || world.read_by_all());
    bench.case("auditwheel finds no library in those for Linux", || world.audit());
    let unpacked = bench.case("wheel unpacks each, and refuses one that was changed", || world.unpack(&folder));
    if unpacked {
        bench.case("in each are the program of the archive and the modules, bit for bit", || world.compare());
        choice::run(bench, world, &folder);
        environment::run(bench, world, &folder)?;
    } else {
        bench.not_run("everything else", "the wheels were not unpacked");
    }
    Ok(())
}

impl World {
    /// A module of the judges, run as a program.
    fn judge(&self, module: &str) -> Tool {
        self.alone(tool("python3", 120)).env("PYTHONPATH", &self.judges).args(["-s", "-m", module])
    }

    /// pip.
    fn pip(&self) -> Tool {
        self.alone(tool("python3", 120)).env("PYTHONPATH", &self.pip).args(["-m", "pip"])
    }

    /// uv.
    fn uv(&self) -> Tool {
        self.alone(tool(self.judges.join("bin/uv"), 120))
    }

    /// Takes a program away from what the user and the machine have set, and from the network.
    fn alone(&self, tool: Tool) -> Tool {
        let tool = tool
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUSERBASE", self.home.join("user"))
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("PIP_NO_INDEX", "1")
            .env("PIP_NO_CACHE_DIR", "1")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .env("UV_NO_CONFIG", "1")
            .env("UV_OFFLINE", "1")
            .env("UV_NO_INDEX", "1")
            .env("UV_PYTHON_DOWNLOADS", "never")
            .env("UV_CACHE_DIR", self.home.join("uv"))
            .env("UV_LINK_MODE", "copy");
        let others = ["PIP_FIND_LINKS", "PIP_INDEX_URL", "UV_FIND_LINKS", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"];
        others.iter().fold(tool, |tool, name| tool.env_remove(name))
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        self.wheels.iter().map(|wheel| wheel.path.as_path())
    }

    /// Fails if: one of those who look at wheels before they are published finds anything, or name, metadata and tags do
    /// not say the same.
    fn read_by_all(&self) -> Result<()> {
        self.judge("twine").args(["check", "--strict"]).args(self.paths()).run()?;
        self.judge("check_wheel_contents").arg("--no-config").args(self.paths()).run()?;
        let read = self.alone(tool("python3", 120)).env("PYTHONPATH", &self.judges).args(["-s", "-c", READ]);
        read.arg(NAME).arg(&self.version).args(self.paths()).run()
    }

    /// Fails if: the program needs a library, or a newer system than the name says.
    fn audit(&self) -> Result<()> {
        for wheel in self.paths().filter(|path| path.to_string_lossy().contains("linux")) {
            let said = self.judge("auditwheel").arg("show").arg(wheel).read()?;
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            let name = wheel.display();
            ensure!(said.contains("The wheel references no external versioned symbols"), "{name}: {said}");
            ensure!(said.contains("The wheel requires no external shared libraries"), "{name}: {said}");
        }
        Ok(())
    }

    /// Fails if: a file is missing in the list of a wheel's files or is not what the list says, or nobody would notice.
    fn unpack(&self, folder: &Path) -> Result<()> {
        for Wheel { path, tree, .. } in &self.wheels {
            let into = tree.parent().context("it is in a folder")?;
            self.judge("wheel").arg("unpack").arg("--dest").arg(into).arg(path).run()?;
        }
        let wheel = self.paths().next().context("there are wheels")?;
        let changed = folder.join("changed").join(wheel.file_name().context("a file has a name")?);
        fs::create_dir(folder.join("changed"))?;
        let member = format!("{MODULE}/__init__.py");
        let change = "import sys, zipfile\n\
             old, new, member = sys.argv[1:]\n\
             with zipfile.ZipFile(old) as old, zipfile.ZipFile(new, 'w') as new:\n    \
                 for entry in old.infolist():\n        \
                     content = old.read(entry)\n        \
                     new.writestr(entry, content + b' ' if entry.filename == member else content)\n";
        tool("python3", 60).args(["-c", change]).arg(wheel).arg(&changed).arg(&member).run()?;
        let unpack = self.judge("wheel").arg("unpack").arg("--dest").arg(folder.join("refused"));
        let output = unpack.arg(&changed).output()?;
        ensure!(!output.status.success() && said(&output).contains(&member), "{}", said(&output));
        Ok(())
    }

    /// Fails if: a file in a wheel differs in a single bit from what it was made of.
    fn compare(&self) -> Result<()> {
        for wheel in &self.wheels {
            let (tree, program) = (&wheel.tree, wheel.program(self));
            let expected = program_of(&wheel.archive)?;
            ensure!(fs::read(&program)? == expected, "{} is another program", program.display());
            let licenses = tree.join(format!("{MODULE}-{}.dist-info/licenses", self.version));
            let sources = workspace().join("packaging/python").join(MODULE);
            for (file, source) in [
                (licenses.join("LICENSE.txt"), workspace().join("LICENSE")),
                (
                    licenses.join("THIRD-PARTY-LICENSES.txt"),
                    workspace().join("packaging/third-party-licenses.txt"),
                ),
                (tree.join(MODULE).join("__init__.py"), sources.join("__init__.py")),
                (tree.join(MODULE).join("__main__.py"), sources.join("__main__.py")),
            ] {
                ensure!(fs::read(&file)? == fs::read(&source)?, "{} is not {}", file.display(), source.display());
            }
        }
        Ok(())
    }
}

impl Wheel {
    /// The program, where it was unpacked.
    fn program(&self, world: &World) -> PathBuf {
        let exe = if self.path.to_string_lossy().contains("-win_") { ".exe" } else { "" };
        self.tree.join(format!("{MODULE}-{}.data/scripts/{NAME}{exe}", world.version))
    }
}
