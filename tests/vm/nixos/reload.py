# Fails if: a change of settings restarts the service, is not told to it, or is not applied.

machine.wait_for_unit(UNIT)
start_server()
# The first configuration names a server that does not exist.
queue("one.json")
before = main_pid()

machine.succeed("/run/booted-system/specialisation/reachable/bin/switch-to-configuration test >&2")
machine.wait_until_succeeds(
    f"journalctl --unit {UNIT} | grep -F 'reading the configuration again'", timeout=PATIENCE
)
expect_delivered("one.json", 1)
wait_for_status("ready")
assert main_pid() == before, "the service was restarted"
