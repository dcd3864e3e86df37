# Fails if: the service is not there after a boot, does not answer on its health port, has folders of the wrong
# owner or mode, or loses a queued report when the machine loses its power.

machine.wait_for_unit("multi-user.target")
machine.wait_for_unit(UNIT)
machine.wait_for_open_port(8080)
expect_folders()

with subtest("the command line sees the configuration of the service"):
    # Without the token, which only the service gets, it says what is missing.
    shown = machine.succeed("pywats-client check 2>&1 || true")
    assert SERVER_URL in shown, shown

with subtest("a queued report outlives a power cut"):
    queue("one.json")
    machine.crash()
    machine.start()
    machine.wait_for_unit(UNIT)
    start_server()
    expect_delivered("one.json", 1)
