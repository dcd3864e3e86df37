//! Tests that mount something run in a mount namespace of their own, where they are root, whoever started them: what
//! they mount goes with them.

use std::path::Path;
use std::process::Command;

const INSIDE: &str = "PYWATS_TEST_INSIDE";

/// Runs a test of this program again in such a namespace, unless it is in one. Returns whether it is.
pub(crate) fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.arg("--mount").arg(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let said = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    assert!(
        output.status.success() && said(&output.stdout).contains("1 passed"),
        "{test} in a mount namespace:\n{}\n{}",
        said(&output.stdout),
        said(&output.stderr)
    );
    false
}

/// Mounts a file system of so many kilobytes that lies in memory.
pub(crate) fn mount_small(folder: &Path, kilobytes: usize) {
    std::fs::create_dir_all(folder).unwrap();
    run(&["mount", "-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "none"], folder);
}

pub(crate) fn unmount(folder: &Path) {
    run(&["umount", "--lazy"], folder);
}

pub(crate) fn read_only(folder: &Path) {
    run(&["mount", "-o", "remount,ro"], folder);
}

fn run(command: &[&str], folder: &Path) {
    let output = Command::new(command[0]).args(&command[1..]).arg(folder).output().unwrap();
    assert!(output.status.success(), "{command:?} {}: {output:?}", folder.display());
}
