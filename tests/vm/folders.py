# Fails if: a folder that `pywats-client folders add` adds does not deliver, in a home, on another disk, on a file system
# without access lists or labels, on NFS or on a Windows share; SELinux denies the service anything meanwhile; `folders
# remove` leaves or takes away anything; or what is missing is not said, with what mends it.

import re
import shlex

SETTINGS = {
    "server": {"url": SERVER_URL, "token": TOKEN, "proxy": "none"},
    "upload": {"retry_initial_seconds": 1, "retry_max_seconds": 2},
}
ADD = "pywats-client folders add"
# What the unit may expose with a folder that was added: as shipped, 1.1.
EXPOSED = 2.0

delivered = 0


def expect_no_denials() -> None:
    """SELinux has denied the service nothing so far."""
    denied = denials()
    assert not denied, "SELinux denied:\n" + "\n".join(denied)


def state(path: str) -> str:
    """Everything that adding a folder may change."""
    return machine.succeed(
        f"for at in {path} $(dirname {path}); do ls -dZ $at; getfacl --absolute-names $at; done",
        "ls /etc/systemd/system/pywats-client.service.d 2>/dev/null || true",
        "cat /etc/selinux/default/contexts/files/file_contexts.local 2>/dev/null | grep -v -e '^#' -e '^$' || true",
        "getsebool -a | grep ^pywats_",
        "pywats-client folders list",
        f"systemctl show {UNIT} --property=ProtectHome,ReadWritePaths,BindPaths",
    )


def expect_refused(path: str, *said: str) -> None:
    """Adding a folder fails with these words, and changes nothing."""
    before = state(path)
    words = machine.succeed(f"! {ADD} {path} --name refused 2>&1")
    for expected in said:
        assert expected in words, f"{expected!r} is not in: {words}"
    after = state(path)
    assert after == before, f"{path}: refused, and yet it was\n{before}\nand is\n{after}"


def expect_usable(name: str, path: str) -> None:
    """A folder is added, delivers what an operator puts there, and is removed without a trace."""
    global delivered
    before = state(path)
    said = machine.succeed(f"{ADD} {path} --name {name} 2>&1")
    machine.log(said)
    found = re.search(r"^exposure of the service .*: ([0-9.]+)$", said, re.MULTILINE)
    assert found and float(found[1]) <= EXPOSED, f"it says no exposure, or too much of it: {said}"
    wait_for_status("ready")
    script = f"umask 077; cat {REPORT} > {path}/{name}.json"
    machine.succeed(f"su - alice -c {shlex.quote(script)}")
    delivered += 1
    expect_delivered(f"{name}.json", delivered)
    machine.fail(f"test -e {path}/{name}.json")
    machine.succeed(f"pywats-client folders remove {name}")
    after = state(path)
    assert after == before, f"{path}: it was\n{before}\nand is\n{after}"
    expect_no_denials()


def disk(kind: str, at: str, options: str = "") -> None:
    """A file system of a kind on a disk of its own."""
    # Below the root, where no service is expected to look.
    image = f"/root/{at.rsplit('/', 1)[-1]}.img"
    machine.succeed(f"truncate --size=64M {image} && mkfs.{kind} {image} >&2 && mkdir -p {at}")
    machine.succeed(f"mount -o loop{options} {image} {at}")


machine.start(allow_reboot=True)
machine.wait_for_unit("multi-user.target")
machine.succeed(PREPARE)
machine.succeed(INSTALL)
machine.succeed("useradd --create-home --groups pywats-operators alice && chmod 700 /home/alice")
start_server()
configure(SETTINGS)
wait_for_status("ready")

with subtest("says which package has semanage where it is missing"):
    machine.succeed("mkdir -p /srv/ict && mv /usr/sbin/semanage /usr/sbin/semanage.away")
    expect_refused("/srv/ict", "semanage is not installed", "apt-get install policycoreutils-python-utils")
    machine.succeed("mv /usr/sbin/semanage.away /usr/sbin/semanage")

with subtest("a folder in a home that nobody else may enter"):
    machine.succeed("su - alice -c 'mkdir reports'")
    expect_usable("home", "/home/alice/reports")

with subtest("a folder on another disk, whose labels are said to be missing first"):
    disk("ext4", "/mnt/disk")
    machine.succeed("mkdir /mnt/disk/unlabelled")
    words = machine.succeed(f"! {ADD} /mnt/disk/unlabelled --name refused 2>&1")
    for expected in ["the label", "unlabeled_t", "restorecon -v /mnt/disk"]:
        assert expected in words, f"{expected!r} is not in: {words}"
    machine.fail("pywats-client folders list | grep unlabelled")
    machine.succeed("restorecon -v /mnt/disk && mkdir /mnt/disk/reports && chown alice /mnt/disk/reports")
    expect_usable("disk", "/mnt/disk/reports")

with subtest("a stick that knows neither access lists nor labels, once it is mounted as is said"):
    disk("vfat", "/mnt/stick")
    machine.succeed("mkdir /mnt/stick/reports")
    expect_refused("/mnt/stick/reports", "knows no access lists", "uid=pywats")
    rights = "uid=pywats,gid=pywats-operators,dmask=007,fmask=007"
    machine.succeed("umount /mnt/stick")
    machine.succeed(f"mount -o loop,{rights} /root/stick.img /mnt/stick")
    expect_refused("/mnt/stick/reports", "dosfs_t", "context=system_u:object_r:pywats_watch_t:s0")
    machine.succeed("umount /mnt/stick")
    label = "context=system_u:object_r:pywats_watch_t:s0"
    machine.succeed(f"mount -o loop,{rights},{label} /root/stick.img /mnt/stick")
    expect_usable("stick", "/mnt/stick/reports")

with subtest("a folder on NFS"):
    machine.succeed(
        "mkdir -p /srv/export/reports /mnt/nfs",
        "chown pywats:pywats-operators /srv/export/reports && chmod 2770 /srv/export/reports",
        # A client of NFS sees no access lists. The server heeds them, also for who has a strict umask.
        "setfacl -m u:pywats:rwx -m d:u:pywats:rwx /srv/export/reports",
        "echo '/srv/export 127.0.0.1(rw,no_subtree_check,fsid=1)' > /etc/exports",
        "systemctl restart nfs-server && exportfs -ra",
        "mount -t nfs -o vers=4 127.0.0.1:/srv/export /mnt/nfs",
    )
    expect_usable("nfs", "/mnt/nfs/reports")
    machine.succeed("umount /mnt/nfs && systemctl stop nfs-server")

with subtest("a folder on a Windows share"):
    machine.succeed(
        "mkdir -p /srv/share/reports /mnt/share && chmod 777 /srv/share /srv/share/reports",
        "printf '[share]\\n\\tpath = /srv/share\\n\\tread only = no\\n' > /etc/ksmbd/ksmbd.conf",
        "modprobe ksmbd && ksmbd.adduser --add --password=secret station >&2",
        "systemctl restart ksmbd || ksmbd.control --shutdown; ksmbd.mountd || true",
    )
    options = "vers=3.1.1,username=station,password=secret,uid=pywats,gid=pywats-operators,dir_mode=0770,file_mode=0770"
    machine.wait_until_succeeds(f"mount -t cifs -o {options} //127.0.0.1/share /mnt/share", timeout=PATIENCE)
    expect_usable("share", "/mnt/share/reports")
    machine.succeed("umount /mnt/share")
