# What differs from test to test. Nix puts these as assignments before the steps and the scenario
# (nix/vm/script.nix); each is declared here once, for the type check.

# Whether the test server runs beside the driver, outside of the guest.
OUTSIDE: bool
# The test server's program, where it listens (address:port), its address for the guest, and the folder in which it
# records what arrives: paths in the guest, or beside the driver if it is outside.
SERVER: str
LISTEN: str
SERVER_URL: str
RECORDS: str
# A report, as a path in the guest.
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
# Lets INSTALL replace a newer version.
FORCE: str
# Whether the guest enforces SELinux, and the policy of the package is loaded.
SELINUX: bool
# Whether everything is wanted, and not the fast selection.
THOROUGH: bool

# `cargo xtask vm`, before a scenario: a folder with the SELinux policy and the script that loads it, beside the driver.
POLICY: str
