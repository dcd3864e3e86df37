//! A virtual machine with the appliance's disk, as those who use it see it: a console at the serial port, SSH, SFTP.
//!
//! Its network is QEMU's own: the machine reaches this one as 10.0.2.2, and this one reaches its SSH at a port.

use crate::client::free_port;
use crate::command::{LOADED, Tool, tool};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The environment variables by which xtask says how QEMU is started, for the processors of a PC and of a Raspberry Pi.
pub(super) const PC: &str = "PYWATS_QEMU";
pub(super) const ARM: &str = "PYWATS_QEMU_ARM";

/// Where the machine sees the loopback interface of this one.
pub(super) const HOST: &str = "10.0.2.2";

/// How long an emulated machine may take from power on until somebody can do something on it.
const BOOT: Duration = Duration::from_secs(240 * LOADED as u64);

/// A QEMU that can be started.
#[derive(Deserialize)]
pub(super) struct Qemu {
    system: Vec<String>,
    environment: Vec<(String, String)>,
    img: PathBuf,
    /// Firmware that starts only what is signed: its code, and what it remembers at first.
    firmware: [PathBuf; 2],
}

impl Qemu {
    /// The one that xtask names by a variable.
    pub(super) fn find(variable: &str) -> Result<Qemu> {
        let said = std::env::var(variable)
            .with_context(|| format!("{variable} is not set: run this by cargo xtask test appliance"))?;
        serde_json::from_str(&said).with_context(|| format!("reading {variable}"))
    }

    /// `qemu-img`.
    pub(super) fn img(&self, seconds: u32) -> Tool {
        tool(&self.img, seconds)
    }
}

/// What starts a machine.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Firmware {
    Bios,
    SecureBoot,
    /// QEMU itself, on a board for virtual machines: kernel, initial RAM disk, and the kernel's command line.
    Kernel([PathBuf; 2], String),
}

impl Firmware {
    fn board(&self) -> [&'static str; 4] {
        match self {
            Firmware::Bios | Firmware::SecureBoot => ["-machine", "q35", "-cpu", "max"],
            // The processor of a Pi 4.
            Firmware::Kernel(..) => ["-machine", "virt", "-cpu", "cortex-a72"],
        }
    }
}

/// Who does something by SSH.
#[derive(Clone, Copy)]
pub(super) enum Login<'a> {
    Key(&'a Path),
    Password(&'a str),
}

/// A machine. It is switched off, as by pulling the plug, when this is dropped.
pub(super) struct Machine<'a> {
    qemu: &'a Qemu,
    folder: PathBuf,
    firmware: Firmware,
    /// A second disk, which the machine calls `virtio-data`.
    data: Option<PathBuf>,
    /// A folder that is a FAT of this label to the machine.
    seed: Option<(PathBuf, &'static str)>,
    /// What sudo asks the administrator for, if it does.
    password: Option<&'static str>,
    port: u16,
    child: Option<Child>,
    serial: Option<UnixStream>,
    said: Arc<Mutex<String>>,
    /// How much of what it said was waited for.
    seen: usize,
}

impl<'a> Machine<'a> {
    /// A new machine with a disk of that image, in an empty folder. It is not switched on.
    pub(super) fn new(qemu: &'a Qemu, image: &Path, folder: &Path) -> Result<Machine<'a>> {
        Machine::of_format(qemu, image, "qcow2", folder)
    }

    /// The same of an image in another format.
    pub(super) fn of_format(
        qemu: &'a Qemu,
        image: &Path,
        format: &str,
        folder: &Path,
    ) -> Result<Machine<'a>> {
        let machine = Machine {
            qemu,
            folder: folder.to_owned(),
            firmware: Firmware::Bios,
            data: None,
            seed: None,
            password: None,
            port: free_port()?,
            child: None,
            serial: None,
            said: Arc::default(),
            seen: 0,
        };
        let create = qemu.img(30).args(["create", "-q", "-f", "qcow2", "-F", format, "-b"]);
        create.arg(image).arg(machine.disk()).run()?;
        Ok(machine)
    }

    /// Gives it another firmware.
    pub(super) fn with_firmware(mut self, firmware: Firmware) -> Result<Machine<'a>> {
        self.firmware = firmware;
        if self.firmware != Firmware::SecureBoot {
            return Ok(self);
        }
        fs::copy(&self.qemu.firmware[1], self.folder.join("vars.fd"))
            .context("copying the firmware's memory")?;
        Ok(self)
    }

    /// Its administrator will have this password.
    pub(super) fn with_password(mut self, password: &'static str) -> Machine<'a> {
        self.password = Some(password);
        self
    }

    /// Puts an empty disk of so many bytes into it.
    pub(super) fn with_data_disk(mut self, size: u64) -> Result<Machine<'a>> {
        let data = self.folder.join("data.raw");
        fs::File::create(&data)?.set_len(size)?;
        self.data = Some(data);
        Ok(self)
    }

    /// Puts a disk with these files into it.
    pub(super) fn with_seed(mut self, label: &'static str, files: &[(&str, &str)]) -> Result<Machine<'a>> {
        let seed = self.folder.join("seed");
        fs::create_dir_all(&seed)?;
        for (name, text) in files {
            fs::write(seed.join(name), text)?;
        }
        self.seed = Some((seed, label));
        Ok(self)
    }

    pub(super) fn disk(&self) -> PathBuf {
        self.folder.join("disk.qcow2")
    }

    /// Switches it on.
    pub(super) fn start(&mut self) -> Result<()> {
        let socket = self.folder.join("serial");
        let _ = fs::remove_file(&socket);
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).args(&self.qemu.system);
        command.envs(self.qemu.environment.iter().cloned());
        command.args(["-nodefaults", "-accel", "tcg,thread=multi"]).args(self.firmware.board());
        // One processor: a second one that is emulated costs this machine more than it brings.
        command.args(["-smp", "1", "-m", "1024", "-display", "none", "-device", "virtio-rng-pci"]);
        let root = format!("file={},format=qcow2,if=none,id=root,discard=unmap", self.disk().display());
        command.arg("-drive").arg(root);
        // The other disks have nothing that starts.
        command.args(["-device", "virtio-blk-pci,drive=root,bootindex=0"]);
        // Nothing starts from the network.
        command.args(["-device", "virtio-net-pci,netdev=net,romfile=", "-netdev"]);
        command.arg(format!("user,id=net,hostfwd=tcp:127.0.0.1:{}-:22", self.port));
        command.arg("-chardev").arg(format!("socket,id=serial,path={},server=on,wait=off", socket.display()));
        command.args(["-serial", "chardev:serial"]);
        if let Firmware::Kernel([kernel, initrd], line) = &self.firmware {
            command.arg("-kernel").arg(kernel).arg("-initrd").arg(initrd).args(["-append", line]);
        }
        if self.firmware == Firmware::SecureBoot {
            let [code, vars] = [&self.qemu.firmware[0], &self.folder.join("vars.fd")];
            command.args(["-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"]);
            let drive =
                |path: &Path, more: &str| format!("if=pflash,format=raw,file={}{more}", path.display());
            command.arg("-drive").arg(drive(code, ",unit=0,readonly=on"));
            command.arg("-drive").arg(drive(vars, ",unit=1"));
        }
        if let Some(data) = &self.data {
            command.arg("-drive").arg(format!("file={},format=raw,if=none,id=data", data.display()));
            command.args(["-device", "virtio-blk-pci,drive=data,serial=data"]);
        }
        if let Some((seed, label)) = &self.seed {
            // QEMU shows a folder as a disk with a FAT.
            let fat =
                format!("driver=vvfat,dir={},label={label},node-name=seed,read-only=on", seed.display());
            command.arg("-blockdev").arg(fat).args(["-device", "virtio-blk-pci,drive=seed"]);
        }
        let log = fs::File::create(self.folder.join("qemu.txt"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn().context("starting QEMU")?;
        let began = Instant::now();
        let serial = loop {
            if let Ok(serial) = UnixStream::connect(&socket) {
                break serial;
            }
            if child.try_wait()?.is_some() || began.elapsed() > BOOT {
                let said = fs::read_to_string(self.folder.join("qemu.txt")).unwrap_or_default();
                let _ = child.kill();
                bail!("QEMU does not start: {said}");
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        listen(serial.try_clone()?, Arc::clone(&self.said), self.folder.join("console.txt"));
        (self.child, self.serial) = (Some(child), Some(serial));
        Ok(())
    }

    /// Pulls the plug.
    pub(super) fn pull_the_plug(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.serial = None;
    }

    fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What QEMU has said, and the last lines of its console.
    pub(super) fn last_words(&self) -> String {
        let qemu = fs::read_to_string(self.folder.join("qemu.txt")).unwrap_or_default();
        let said = self.said();
        let lines: Vec<&str> = said.lines().collect();
        format!("QEMU: {}; the console:\n{}", qemu.trim(), lines[lines.len().saturating_sub(40)..].join("\n"))
    }

    /// Waits until its console says something that was not waited for yet.
    pub(super) fn expect(&mut self, text: &str) -> Result<()> {
        let began = Instant::now();
        loop {
            let said = self.said();
            if let Some(at) = said[self.seen..].find(text) {
                self.seen += at + text.len();
                return Ok(());
            }
            let runs = self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
            ensure!(runs, "QEMU has ended; {}", self.last_words());
            ensure!(began.elapsed() < BOOT, "{text:?} is not said; {}", self.last_words());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Types a line at its console.
    pub(super) fn type_line(&mut self, line: &str) -> Result<()> {
        let serial = self.serial.as_mut().context("the machine is off")?;
        // As fast as a person at most: what a getty has not read yet is lost when it sets the line up.
        for sign in format!("{line}\r").chars() {
            serial.write_all(sign.encode_utf8(&mut [0; 4]).as_bytes())?;
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Waits for a question, and answers it.
    pub(super) fn answer(&mut self, question: &str, answer: &str) -> Result<()> {
        self.expect(question)?;
        // The rest of the question, and until it is read.
        std::thread::sleep(Duration::from_millis(500));
        self.type_line(answer)
    }

    /// Where SSH reaches it: program, options, and whom.
    fn remote(&self, program: &str, user: &str, login: Login<'_>, seconds: u32) -> Result<Tool> {
        let known = self.folder.join("known_hosts");
        let mut ssh = tool(program, seconds);
        for option in
            ["StrictHostKeyChecking=no", "LogLevel=ERROR", "ConnectTimeout=20", "NumberOfPasswordPrompts=1"]
        {
            ssh = ssh.args(["-o", option]);
        }
        ssh = ssh.arg("-o").arg(format!("UserKnownHostsFile={}", known.display()));
        ssh = ssh.args(["-F", "/dev/null", "-P", &self.port.to_string()].map(|word| match (word, program) {
            ("-P", "ssh") => "-p".to_owned(),
            _ => word.to_owned(),
        }));
        ssh = match login {
            Login::Key(key) => ssh.args(["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i"]).arg(key),
            Login::Password(password) => {
                let ask = self.folder.join("ask");
                fs::write(&ask, format!("#!/bin/sh\nprintf '%s\\n' '{password}'\n"))?;
                fs::set_permissions(&ask, fs::Permissions::from_mode(0o700))?;
                let ssh = ssh.args(["-o", "BatchMode=no", "-o", "PreferredAuthentications=password"]);
                ssh.env("SSH_ASKPASS", &ask).env("SSH_ASKPASS_REQUIRE", "force")
            }
        };
        Ok(if program == "ssh" { ssh.arg(format!("{user}@127.0.0.1")) } else { ssh })
    }

    /// A command by SSH.
    pub(super) fn ssh(&self, user: &str, login: Login<'_>, command: &str) -> Result<Tool> {
        Ok(self.remote("ssh", user, login, 120)?.arg(command))
    }

    /// Does something by SFTP: lines as sftp takes them, all of which must succeed.
    pub(super) fn sftp(&self, user: &str, login: Login<'_>, lines: &str) -> Result<String> {
        let batch = self.folder.join("batch");
        fs::write(&batch, lines)?;
        self.remote("sftp", user, login, 120)?.arg("-b").arg(&batch).arg(format!("{user}@127.0.0.1")).read()
    }

    /// A shell script as root, by the administrator's sudo.
    pub(super) fn root(&self, key: &Path, script: &str) -> Result<String> {
        let script = format!("sh -euc {}", quoted(script));
        self.sudo(key, &script)?.read().with_context(|| self.last_words())
    }

    /// A command as root.
    pub(super) fn sudo(&self, key: &Path, command: &str) -> Result<Tool> {
        let sudo = match self.password {
            Some(password) => format!("printf '%s\\n' {} | sudo -S -p '' {command}", quoted(password)),
            None => format!("sudo {command}"),
        };
        self.ssh("admin", Login::Key(key), &sudo)
    }

    /// Waits until the administrator can log in.
    pub(super) fn wait_for_ssh(&mut self, key: &Path) -> Result<()> {
        let began = Instant::now();
        while let Err(error) = self.ssh("admin", Login::Key(key), "true").and_then(Tool::run) {
            let runs = self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
            let waits = runs && began.elapsed() < BOOT;
            ensure!(waits, "nobody can log in by SSH: {error:#}; {}", self.last_words());
            std::thread::sleep(Duration::from_secs(1));
        }
        Ok(())
    }

    /// The machine has new ones: it was reset.
    pub(super) fn forget_host_keys(&self) {
        let _ = fs::remove_file(self.folder.join("known_hosts"));
    }

    /// Lets it switch itself off.
    pub(super) fn shut_down(&mut self, key: &Path) -> Result<()> {
        // The connection may end before the command does.
        let _ = self.sudo(key, "systemctl poweroff")?.output();
        let began = Instant::now();
        while self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None))) {
            ensure!(began.elapsed() < BOOT, "it does not switch itself off; {}", self.last_words());
            std::thread::sleep(Duration::from_millis(200));
        }
        self.pull_the_plug();
        Ok(())
    }

    /// Reboots it, and waits until it is back.
    pub(super) fn reboot(&mut self, key: &Path) -> Result<()> {
        let id = "cat /proc/sys/kernel/random/boot_id";
        let before = self.root(key, id)?;
        // The connection may end before the command does.
        let _ = self.sudo(key, "systemctl reboot")?.output();
        let began = Instant::now();
        loop {
            let now = self.ssh("admin", Login::Key(key), id).and_then(Tool::read);
            if now.is_ok_and(|now| now != before) {
                return Ok(());
            }
            ensure!(began.elapsed() < BOOT, "it does not come back; {}", self.last_words());
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        self.pull_the_plug();
        let _ = fs::remove_file(self.disk());
        if let Some(data) = &self.data {
            let _ = fs::remove_file(data);
        }
    }
}

/// Keeps what the machine says.
fn listen(mut serial: UnixStream, said: Arc<Mutex<String>>, file: PathBuf) {
    std::thread::spawn(move || {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(file).ok();
        let (mut bytes, mut kept) = ([0; 4096], Vec::new());
        while let Ok(read @ 1..) = serial.read(&mut bytes) {
            if let Some(file) = &mut file {
                let _ = file.write_all(&bytes[..read]);
            }
            kept.extend_from_slice(&bytes[..read]);
            // A character may come in two parts.
            let whole = match std::str::from_utf8(&kept) {
                Err(error) if error.error_len().is_none() => error.valid_up_to(),
                _ => kept.len(),
            };
            let text = String::from_utf8_lossy(&kept[..whole]).into_owned();
            kept.drain(..whole);
            said.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
        }
    });
}

/// A word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
