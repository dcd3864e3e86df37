# Fails if: the unit exposes more than the packaged one, the process has more rights than it needs, or it can
# write or look where it must not.

# Times ten. Systemd 252 rates the packaged unit 1.1; later versions weigh a little differently.
EXPOSURE = 15

machine.wait_for_unit(UNIT)
machine.succeed(f"systemd-analyze security --threshold={EXPOSURE} {UNIT} >&2")
expect_few_rights()
expect_folders()

with subtest("the service sees nearly everything read-only, and no homes"):
    inside = f"nsenter --target {main_pid()} --mount --"
    machine.succeed(f"{inside} touch /var/lib/pywats/probe", "rm /var/lib/pywats/probe")
    for folder in ["/etc", "/var/lib", "/srv"]:
        machine.succeed(f"{inside} test -d {folder}")
        machine.fail(f"{inside} touch {folder}/probe")
    machine.succeed("test -d /home/alice")
    machine.fail(f"{inside} test -d /home/alice")

with subtest("an operator may put reports in, and see nothing else"):
    drop("one.json")
    machine.fail("su - alice -c 'ls /var/lib/pywats'")
    machine.fail("su - alice -c 'ls /var/lib/pywats/done'")
