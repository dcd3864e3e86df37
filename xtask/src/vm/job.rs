//! What the bench is told: a guest and what is to happen in it, as JSON for `tests/vm/bench/job.py`.

use super::image::Image;
use super::policy::Policy;
use super::registry::Guest;
use crate::cache;
use crate::process;
use crate::progress::Progress;
use crate::toolchain::qemu::Qemu;
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Result};
use packager::digest::Inputs;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a guest's processors are had.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Accelerator {
    /// Emulated: on every machine.
    Tcg,
    /// The machine's own: where /dev/kvm runs a guest, which it does not everywhere that it can be opened.
    Kvm,
}

/// A guest as the bench starts it.
#[derive(Clone, Serialize)]
pub(crate) struct Startable {
    name: String,
    qemu: Vec<String>,
    environment: BTreeMap<String, String>,
    qemu_img: PathBuf,
    disk: PathBuf,
    snapshot: Option<PathBuf>,
}

/// A guest, and what is to happen in it.
#[derive(Serialize)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) guest: Startable,
    pub(crate) handed: Option<PathBuf>,
    pub(crate) work: PathBuf,
    pub(crate) keep: PathBuf,
    pub(crate) constants: Map<String, Value>,
    pub(crate) scripts: Vec<PathBuf>,
}

/// The memory of a guest in megabytes, until a scenario boots it with less.
const MEMORY: u32 = 1024;

/// What of a guest's machine does not depend on where its files are.
fn machine(guest: &Guest, accelerator: Accelerator) -> Vec<String> {
    let arm = guest.architecture == "aarch64";
    let (machine, processor, console) =
        if arm { ("virt", "cortex-a57", "ttyAMA0") } else { ("pc", "max,-svm", "ttyS0") };
    let (accelerator, processor) = match accelerator {
        Accelerator::Tcg => ("tcg,thread=multi", processor),
        Accelerator::Kvm => ("kvm", "host"),
    };
    let selinux = if guest.selinux { " security=selinux selinux=1 enforcing=1" } else { "" };
    let kernel = format!(
        "root=/dev/vda rw console={console} panic=-1 audit=1 audit_backlog_limit=8192 systemd.show_status=1 \
         systemd.getty_auto=0 systemd.default_device_timeout_sec=600{selinux}"
    );
    // One processor: a second one that is emulated costs a third more of this machine's, and others use that, too. The
    // machine that the bench runs on is 10.0.2.2.
    let arguments = format!(
        "-machine {machine} -accel {accelerator} -cpu {processor} -smp 1 -m {MEMORY} -nodefaults -no-user-config \
         -display none -no-reboot -device virtio-rng-pci \
         -netdev user,id=net0 -device virtio-net-pci,netdev=net0,id=net,romfile= -append"
    );
    arguments.split_whitespace().map(str::to_owned).chain([kernel]).collect()
}

impl Startable {
    /// A guest that is booted when it is started.
    pub(crate) fn booted(guest: &Guest, image: &Image, qemu: &Qemu, accelerator: Accelerator) -> Startable {
        let mut command = qemu.system.clone();
        command.extend(machine(guest, accelerator));
        for (option, file) in [("-kernel", image.kernel()), ("-initrd", image.initrd())] {
            command.extend([option.to_owned(), file.to_string_lossy().into_owned()]);
        }
        Startable {
            name: guest.name.clone(),
            qemu: command,
            environment: qemu.environment.iter().cloned().collect(),
            qemu_img: qemu.img.clone(),
            disk: image.disk(),
            snapshot: None,
        }
    }

    /// The same guest, as it is once it has booted and loaded `policy`: from the cache, or booted now.
    ///
    /// # Errors
    /// If it does not boot, or the policy does not load.
    pub(crate) fn restored(
        self,
        guest: &Guest,
        image: &Image,
        qemu: &Qemu,
        accelerator: Accelerator,
        policy: Option<&Policy>,
        progress: &Progress,
    ) -> Result<Startable> {
        // The memory of a guest fits the disk, the machine and the QEMU that it was saved with.
        let mut inputs = Inputs::default().value("qemu", &qemu.identity);
        inputs = inputs.value("image", &image.identity);
        for argument in machine(guest, accelerator) {
            inputs = inputs.value("machine", &argument);
        }
        if let Some(policy) = policy {
            inputs = policy.decides(inputs)?;
        }
        let devices = workspace::root().join("tests/vm/bench");
        let key = format!("{}-booted-{}", image.key, &inputs.tree(&devices, "qemu.py")?.finish()[..12]);
        let folder = cache::entry(&key, |folder| {
            let step = progress.step(format!("{} boots", guest.name));
            let job = Job {
                name: format!("vm-boot-{}", guest.name),
                guest: self.clone(),
                handed: None,
                // On the same disk as the cache: the guest's disk moves there.
                work: folder.join("work"),
                keep: workspace::target("vm").join(format!("boot-{}", guest.name)),
                constants: policy.map(Policy::constants).unwrap_or_default(),
                scripts: policy.map(|_| Policy::script()).into_iter().collect(),
            };
            let folder_name = folder.to_string_lossy().into_owned();
            let command = job.command("snapshot", &[&folder_name])?;
            process::run(command, |line| step.note(line))
                .with_context(|| format!("booting {}; {} has its console", guest.name, job.keep.display()))?;
            // The cache may be moved.
            let mut rebase = clean_command(&qemu.img, &[]);
            rebase.args(["rebase", "-u", "-F", "qcow2", "-b", &format!("../{}/disk.qcow2", image.key)]);
            rebase.arg(folder.join("disk.qcow2"));
            process::run(rebase, |_| {})?;
            step.done();
            Ok(())
        })?;
        Ok(Startable { snapshot: Some(folder), ..self })
    }
}

impl Job {
    /// The bench, told to do something with this job. It ends with this process.
    ///
    /// # Errors
    /// If the job cannot be written.
    pub(crate) fn command(&self, verb: &str, further: &[&str]) -> Result<Command> {
        fs::create_dir_all(&self.keep).with_context(|| format!("creating {}", self.keep.display()))?;
        let file = self.keep.join("job.json");
        fs::write(&file, serde_json::to_string_pretty(self)?)
            .with_context(|| format!("writing {}", file.display()))?;
        let removed = ["PYWATS_TEST_"];
        // Scenarios have a network of their own, so that runs beside each other do not meet: the server of each has a
        // port that an ordinary server has, and SELinux lets the service connect to.
        let mut command = if verb == "run" {
            let mut command = clean_command("unshare", &removed);
            if !rustix::process::geteuid().is_root() {
                command.arg("--map-root-user");
            }
            command.args(["--net", "python3"]);
            command
        } else {
            clean_command("python3", &removed)
        };
        command.args(["-B", "-m", "bench", "--parent", &std::process::id().to_string(), verb]);
        command.arg(&file).args(further).current_dir(workspace::root().join("tests/vm"));
        Ok(command)
    }
}

/// The folder of a case's console and journal, emptied.
pub(crate) fn keep(name: &str) -> Result<PathBuf> {
    let folder = workspace::target("vm").join(name);
    if Path::new(&folder).exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    /// Fails if: a machine, or the bench, outlives whoever started the bench and was killed.
    #[test]
    fn nothing_outlives_who_started_it() {
        // A shell starts the bench's lifeline, and that a program in the place of QEMU.
        let lifeline = "import os, subprocess, time; from bench import lifeline; lifeline.end_with(os.getppid()); \
             one = subprocess.Popen(['sleep', '600'], preexec_fn=lifeline.end_with_parent); \
             print(os.getpid(), one.pid, flush=True); time.sleep(600)";
        let mut shell = Command::new("sh");
        shell.args(["-c", "python3 -B -c \"$0\"; :", lifeline]).stdout(Stdio::piped());
        let mut shell = shell.current_dir(workspace::root().join("tests/vm")).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let processes: Vec<PathBuf> = line.split_whitespace().map(|id| Path::new("/proc").join(id)).collect();
        assert_eq!(processes.len(), 2, "{line:?}");
        shell.kill().unwrap();
        shell.wait().unwrap();
        // One that has ended may still wait for its parent to notice.
        let lives = |process: &PathBuf| {
            let state = fs::read_to_string(process.join("stat")).unwrap_or_default();
            state
                .rsplit(')')
                .next()
                .is_some_and(|rest| !rest.trim_start().starts_with(['Z', 'X']) && !rest.is_empty())
        };
        let began = Instant::now();
        while processes.iter().any(lives) {
            assert!(began.elapsed() < Duration::from_secs(60), "{line:?} live on");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
