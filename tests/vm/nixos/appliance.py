# Fails if: the appliance runs the client before anybody has configured it, or not afterwards; an operator cannot bring a
# report by SFTP, or reaches more than the watch folder.

KEY = "/root/operator"

machine.wait_for_unit("multi-user.target")

with subtest("nothing runs that nobody has configured"):
    machine.fail(f"systemctl is-active {UNIT}")
    machine.fail(f"journalctl --unit {UNIT} --grep 'no server address'")

with subtest("what a seed writes configures it"):
    start_server()
    machine.succeed(
        "umask 077; printf 'PYWATS_SERVER_URL=%s\\nPYWATS_API_TOKEN=%s\\n' "
        f"{SERVER_URL} {TOKEN} > /etc/pywats/environment"
    )
    machine.succeed(f"systemctl start {UNIT}")
    machine.wait_for_unit(UNIT)
    wait_for_status("ready")

with subtest("an operator brings a report by SFTP, and reaches nothing else"):
    machine.wait_for_unit("sshd.service")
    machine.wait_for_unit("srv-operators-watch.mount")
    machine.succeed(
        f"ssh-keygen -q -t ed25519 -N '' -f {KEY}",
        f"install -D --owner=alice --mode=600 {KEY}.pub /home/alice/.ssh/authorized_keys",
        "chown alice /home/alice/.ssh",
    )
    sftp = f"sftp -q -b - -i {KEY} -o StrictHostKeyChecking=no alice@localhost"
    machine.succeed(f"echo 'put /etc/report.json first.json' | {sftp}")
    expect_delivered("first.json", 1)
    machine.fail(f"echo 'ls /etc' | {sftp}")
    machine.fail(f"ssh -i {KEY} -o StrictHostKeyChecking=no -o BatchMode=yes alice@localhost true")
