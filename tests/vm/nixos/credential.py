# Fails if: the token of the file does not reach the server, or somebody but the service can read it.

machine.wait_for_unit(UNIT)

with subtest("the server demands a token, and the file's is the one that is sent"):
    start_server(OTHER_TOKEN)
    queue("one.json")
    stop_server()
    start_server(TOKEN)
    expect_delivered("one.json", 1)
    wait_for_status("ready")

with subtest("nobody else reads it"):
    machine.fail("su - alice -c 'cat /run/credentials/pywats-client.service/token'")
    machine.fail("su - alice -c 'cat /etc/wats-token'")
    machine.fail(f"grep -F {TOKEN} /etc/pywats/config.json")
    machine.fail(f"tr '\\0' '\\n' < /proc/{main_pid()}/environ | grep -F {TOKEN}")
    machine.fail(f"journalctl --unit {UNIT} | grep -F {TOKEN}")
