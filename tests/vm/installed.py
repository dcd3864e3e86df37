# Fails if: the package cannot be installed. It prepares a machine for a person, with an operator `alice`.

machine.succeed(PREPARE)
machine.succeed(INSTALL)
machine.succeed("useradd --create-home --groups pywats-operators alice")
