# Fails if: the unit of the NixOS module and the packaged one differ in a line. That is seen when this is evaluated.
{ runCommand }:
runCommand "nixos-unit" { outcome = import ../../tests/nix/unit-equals-packaged.nix; } ''
  echo "$outcome" | tee $out
''
