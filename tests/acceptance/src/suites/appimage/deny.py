# deny.py CALL ERROR PROGRAM ARGUMENT...: runs a program for which a system call fails with that error; with CALL:FLAG,
# only where its second argument has this flag. The filter is that of seccomp(2).
import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {
    "x86_64": {"memfd_create": 319, "execveat": 322},
    "aarch64": {"memfd_create": 279, "execveat": 281},
}
LOAD, IF_EQUAL, IF_ANY, RETURN = 0x20, 0x15, 0x45, 0x06
CALL, SECOND_ARGUMENT = 0, 24
ALLOW, ERROR = 0x7FFF0000, 0x00050000
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2

call, error, *command = sys.argv[1:]
call, _, flag = call.partition(":")
number = NUMBERS[platform.machine()][call]
flagged = [(LOAD, 0, 0, SECOND_ARGUMENT), (IF_ANY, 0, 1, int(flag, 16))] if flag else []
ends = [(RETURN, 0, 0, ERROR | getattr(errno, error)), (RETURN, 0, 0, ALLOW)]
rules = [(LOAD, 0, 0, CALL), (IF_EQUAL, 0, 1 + len(flagged), number), *flagged, *ends]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(rules), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
for arguments in [(NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SET_SECCOMP, FILTER, ctypes.addressof(program), 0, 0)]:
    if libc.prctl(*map(ctypes.c_ulong, arguments)):
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
os.execv(command[0], command)
