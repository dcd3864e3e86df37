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
# Replaces the version of UPGRADE by that of INSTALL, which is refused otherwise.
DOWNGRADE: str
# Whether the guest enforces SELinux, and has the policy of the package once that is installed.
SELINUX: bool
# Whether everything is wanted, and not the fast selection.
THOROUGH: bool
# The format of the packages that are installed in the guest: deb or rpm.
FORMAT: str

# Scenarios that install from a repository: two folders beside the driver, one with the packages and one that has the
# higher version as well; the port on which they are to be served, there, too; the fingerprint of their key; and the
# folder of the documentation, which says how to install from them.
REPOSITORY: str
EXTENDED_REPOSITORY: str
REPOSITORY_PORT: int
FINGERPRINT: str
DOCUMENTATION: str

# The scenario of the AppImage: where it is, beside the driver.
APPIMAGE: str

# `cargo xtask vm`, before a scenario: a folder with the SELinux policy and the script that loads it, beside the driver.
POLICY: str
