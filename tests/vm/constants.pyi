# What differs from test to test. Nix puts these as assignments before the steps and the scenario
# (nix/vm/script.nix); each is declared here once, for the type check.

# The test server's program, and a report, as paths in the guest.
SERVER: str
REPORT: str

# NixOS: the programs before and after an upgrade.
PROGRAM: str
UPGRADED: str

# Packages: the guest, and what is done to the package there.
GUEST: str
PREPARE: str
INSTALL: str
UPGRADE: str
REMOVE: str
# Removes configuration and data as well; empty where the format knows no such thing.
PURGE: str
# Whether the installation by itself enables and starts the service.
STARTS: bool
# Whether the guest enforces SELinux.
SELINUX: bool
