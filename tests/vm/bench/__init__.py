"""Runs the scenarios of tests/vm in guests under QEMU, behind the interface of the NixOS test driver.

`cargo xtask vm` starts it with a job (job.py); it needs Python's standard library alone. What a scenario may call is
declared in tests/vm/driver.pyi, and comes from machine.py.
"""
