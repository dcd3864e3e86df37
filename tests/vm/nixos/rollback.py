# Fails if: going back to the generation before does not bring back its program, or a report that was queued by
# the newer one is lost, changed or delivered twice.

machine.wait_for_unit(UNIT)
before = main_pid()
machine.succeed("/run/booted-system/specialisation/upgraded/bin/switch-to-configuration test >&2")
wait_for_another_process(before)
queue("one.json")

before = main_pid()
machine.succeed("/run/booted-system/bin/switch-to-configuration test >&2")
wait_for_another_process(before)
running = machine.succeed(f"readlink /proc/{main_pid()}/exe").strip()
assert running == PROGRAM, f"{running} runs"

start_server()
expect_delivered("one.json", 1)
