//! The wheel of this machine in environments of Python: installed, run, upgraded and removed, alone and beside the
//! vendor's library.

use super::{MODULE, NAME, WHEELS, World};
use crate::bench::Bench;
use crate::command::{Tool, said, tool};
use crate::products;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::env::consts::ARCH;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The vendor's library, whose client is a command.
const NEIGHBOUR: &str = "pywats-api[client-headless]";
const ITS_COMMAND: &str = "pywats-client";

/// Who installs.
#[derive(Clone, Copy)]
enum Installer {
    Pip,
    Uv,
}

impl Installer {
    fn name(self) -> &'static str {
        match self {
            Installer::Pip => "pip",
            Installer::Uv => "uv",
        }
    }
}

/// An environment, with whom installs into it.
struct Environment<'a> {
    world: &'a World,
    installer: Installer,
    folder: PathBuf,
}

pub(super) fn run(bench: &mut Bench, world: &World, folder: &Path) -> Result<()> {
    for installer in [Installer::Pip, Installer::Uv] {
        let new = |name: &str| Environment::new(world, installer, folder.join(installer.name()).join(name));
        bench.case(&format!("{}: installed, the program runs; removed, nothing is left", installer.name()), || {
            new("alone with spaces")?.alone()
        });
        if matches!(installer, Installer::Uv) || bench.thorough {
            for first in [NAME, NEIGHBOUR] {
                let name = format!("{}: beside pywats-api, {first} first, each is removed by itself", installer.name());
                bench.case(&name, || {
                    for removed in [NAME, NEIGHBOUR] {
                        let name = format!("{}-{}", first.len(), removed.len());
                        new(&name)?.beside(first, removed).with_context(|| format!("removing {removed}"))?;
                    }
                    Ok(())
                });
            }
        }
        let older = folder.join("older");
        bench.case(&format!("{}: a newer one replaces an older one", installer.name()), || {
            new("upgraded")?.upgrade(&older)
        });
    }
    bench.case("the program is found in a folder of its own, and for a user", || {
        by_target(world, &folder.join("target"))?;
        for_a_user(world, &folder.join("user"))
    });
    Ok(())
}

impl<'a> Environment<'a> {
    fn new(world: &'a World, installer: Installer, folder: PathBuf) -> Result<Environment<'a>> {
        world.uv().args(["venv", "--quiet", "--no-project"]).arg(&folder).run()?;
        Ok(Environment { world, installer, folder })
    }

    fn command(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    fn python(&self) -> Tool {
        self.world.alone(tool(self.command("python"), 120))
    }

    fn change(&self, verb: &str, more: &[&str], what: &str) -> Result<()> {
        let tool = match self.installer {
            Installer::Pip => self.world.pip().arg("--quiet").arg("--python").arg(&self.folder).arg(verb),
            Installer::Uv => {
                self.world.uv().args(["pip", verb, "--quiet", "--python"]).arg(self.command("python"))
            }
        };
        tool.args(more).arg(what).run()
    }

    fn install(&self, links: &[&Path], what: &str) -> Result<()> {
        let links: Vec<String> = links.iter().map(|path| format!("--find-links={}", path.display())).collect();
        let mut options: Vec<&str> = links.iter().map(String::as_str).collect();
        options.push(match self.installer {
            Installer::Pip => "--pre",
            Installer::Uv => "--prerelease=allow",
        });
        self.change("install", &options, what)
    }

    fn remove(&self, what: &str) -> Result<()> {
        let yes: &[&str] = if matches!(self.installer, Installer::Pip) { &["--yes"] } else { &[] };
        self.change("uninstall", yes, what.split('[').next().unwrap_or(what))
    }

    /// Every file but the lock that uv leaves.
    fn files(&self) -> Result<BTreeSet<PathBuf>> {
        let mut files = Vec::new();
        packager::digest::collect_files(&self.folder, &mut files)?;
        Ok(files.into_iter().filter(|file| !file.ends_with(".lock")).collect())
    }

    /// Fails if: the command does not run, is another program, or does not say the version; the module does not find it,
    /// or changes its arguments or its exit code; or a removal leaves a file.
    fn alone(&self) -> Result<()> {
        let before = self.files()?;
        self.install(&[&self.world.links], NAME)?;
        self.runs()?;
        let command = self.command(NAME);
        ensure!(fs::metadata(&command)?.mode() & 0o111 == 0o111, "it may not be executed");
        let here = self.world.wheels.iter().find(|wheel| wheel.path.ends_with(name_here(self.world)));
        let here = here.context("there is a wheel for this machine")?;
        ensure!(fs::read(&command)? == fs::read(here.program(self.world))?, "it is another program");
        let ask = format!("import {MODULE} as m; print(m.__version__, m.program(), sep='\\n', end='')");
        let told = self.python().args(["-c", &ask]).read()?;
        let expected = format!("{}\n{}", self.world.version, command.canonicalize()?.display());
        ensure!(told == expected, "the module says {told:?}, not {expected:?}");
        let directly = self.world.alone(tool(&command, 60)).args(["check", "--no-such-option"]).output()?;
        let by_module = self.python().args(["-m", MODULE, "check", "--no-such-option"]).output()?;
        ensure!(directly.status.code() == Some(2), "it ends with {}", directly.status);
        ensure!(
            by_module.status.code() == Some(2) && by_module.stderr == directly.stderr,
            "through the module it ends with {}\n{}",
            by_module.status,
            said(&by_module)
        );
        self.change("check", &[], "--quiet")?;
        fs::rename(&command, command.with_extension("away"))?;
        let output = self.python().args(["-m", MODULE]).output()?;
        let message = format!("install {NAME} again");
        ensure!(!output.status.success() && said(&output).contains(&message), "{}", said(&output));
        fs::rename(command.with_extension("away"), &command)?;
        self.remove(NAME)?;
        let after = self.files()?;
        ensure!(after == before, "these are left: {:?}", after.difference(&before).collect::<Vec<_>>());
        Ok(())
    }

    /// Fails if: our command does not run, or not as the program of this version.
    fn runs(&self) -> Result<()> {
        let said = self.world.alone(tool(self.command(NAME), 60)).arg("--version").read()?;
        let version = products::recipe()?.version.to_string();
        ensure!(said.contains(&version), "it says {said:?}, not {version}");
        Ok(())
    }

    /// Fails if: the vendor's command does not run, or is ours.
    fn neighbour_runs(&self) -> Result<()> {
        let command = self.command(ITS_COMMAND);
        ensure!(fs::read(&command)?.starts_with(b"#!"), "{} is no script", command.display());
        let said = self.world.alone(tool(command, 60)).arg("--help").read()?;
        ensure!(said.contains("pyWATS"), "it says {said}");
        Ok(())
    }

    /// Fails if: one of the two breaks the other's command, by its installation or by its removal.
    fn beside(&self, first: &str, removed: &str) -> Result<()> {
        let second = if first == NAME { NEIGHBOUR } else { NAME };
        for what in [first, second] {
            let links = [self.world.links.as_path(), &self.world.neighbours];
            self.install(&links, what)?;
        }
        self.runs()?;
        self.neighbour_runs()?;
        self.remove(removed)?;
        if removed == NAME { self.neighbour_runs() } else { self.runs() }
    }

    /// Fails if: a newer wheel does not take the place of an older one, or an older one that of a newer one.
    fn upgrade(&self, older: &Path) -> Result<()> {
        let version = || {
            let ask = format!("import {MODULE} as m; print(m.__version__, end='')");
            self.python().args(["-c", &ask]).read()
        };
        let wheel = self.world.wheels.iter().find(|wheel| wheel.path.ends_with(name_here(self.world)));
        let program = wheel.context("there is a wheel for this machine")?.program(self.world);
        fs::create_dir_all(older.join("program"))?;
        fs::copy(program, older.join("program/pywats-client"))?;
        let path = older.join("program/pywats-client");
        products::package("wheel", &format!("{ARCH}-linux"), "0.9.0", &path, older)?;
        self.install(&[older], NAME)?;
        ensure!(version()? == "0.9.0", "the older one is {}", version()?);
        let links = [older, &self.world.links];
        let links: Vec<String> = links.iter().map(|path| format!("--find-links={}", path.display())).collect();
        let pre = if matches!(self.installer, Installer::Pip) { "--pre" } else { "--prerelease=allow" };
        self.change("install", &[&links[0], &links[1], pre, "--upgrade"], NAME)?;
        ensure!(version()? == self.world.version, "after the upgrade it is {}", version()?);
        self.runs()
    }
}

/// The name of the wheel for this machine.
fn name_here(world: &World) -> PathBuf {
    let (end, _) = WHEELS.iter().find(|(end, _)| end.ends_with(&format!("_{ARCH}.whl"))).unwrap_or(&WHEELS[0]);
    let path = world.paths().find(|path| path.to_string_lossy().ends_with(end));
    path.and_then(Path::file_name).unwrap_or_default().into()
}

/// Fails if: the module does not find the program that was put into a folder with it.
fn by_target(world: &World, folder: &Path) -> Result<()> {
    for (name, install) in [("pip", world.pip()), ("uv", world.uv().arg("pip"))] {
        let target = folder.join(name);
        let pre = if name == "pip" { "--pre" } else { "--prerelease=allow" };
        let install = install.args(["install", "--quiet", pre, NAME, "--find-links"]).arg(&world.links);
        install.arg("--target").arg(&target).run()?;
        finds(world, &target, &target.join("bin").join(NAME)).with_context(|| format!("by {name}"))?;
    }
    Ok(())
}

/// Fails if: the module does not find the program that pip installed for a user.
fn for_a_user(world: &World, folder: &Path) -> Result<()> {
    let install = world.pip().args(["install", "--quiet", "--pre", "--user", "--break-system-packages"]);
    install.arg(NAME).arg("--find-links").arg(&world.links).env("PYTHONUSERBASE", folder).run()?;
    let modules = tool("sh", 60).args(["-c", "echo \"$1\"/lib/python*/site-packages", "sh"]).arg(folder).read()?;
    finds(world, Path::new(modules.trim()), &folder.join("bin").join(NAME))
}

fn finds(world: &World, modules: &Path, program: &Path) -> Result<()> {
    let ask = format!("import {MODULE} as m; print(m.program(), m.__version__, end='')");
    let said = world.alone(tool("python3", 60)).env("PYTHONPATH", modules).args(["-s", "-c", &ask]).read()?;
    let expected = format!("{} {}", program.canonicalize()?.display(), world.version);
    ensure!(said == expected, "the module says {said:?}, not {expected:?}");
    Ok(())
}
