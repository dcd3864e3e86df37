# Fails if: a report that an operator drops does not arrive at the server, unchanged and once, or one in a watch
# folder outside the state folder does not.

machine.wait_for_unit(UNIT)
start_server()
wait_for_status("ready")
drop("one.json")
expect_delivered("one.json", 1)

with subtest("a watch folder elsewhere"):
    before = main_pid()
    machine.succeed("/run/booted-system/specialisation/elsewhere/bin/switch-to-configuration test >&2")
    # The sandbox of a running service cannot be opened, so this change takes a restart.
    wait_for_another_process(before)
    wait_for_status("ready")
    machine.succeed(f"install --owner=pywats {REPORT} /srv/results/two.json")
    expect_delivered("two.json", 2)
    machine.fail("test -e /srv/results/two.json")
