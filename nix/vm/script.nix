# What the test driver runs: the constants of a test, the common steps and the scenario.
{ constants, scenario }:
builtins.concatStringsSep "\n" [
  (import ./python.nix constants)
  (builtins.readFile ../../tests/vm/steps.py)
  (builtins.readFile scenario)
]
