# Fails if: the old program goes on after a switch to a generation with a newer one, or a report that waited for
# a server meanwhile is lost, changed or delivered twice.

machine.wait_for_unit(UNIT)
queue("one.json")
before = main_pid()

machine.succeed("/run/booted-system/specialisation/upgraded/bin/switch-to-configuration test >&2")
wait_for_another_process(before)
running = machine.succeed(f"readlink /proc/{main_pid()}/exe").strip()
assert running == UPGRADED, f"{running} runs"

start_server()
expect_delivered("one.json", 1)
