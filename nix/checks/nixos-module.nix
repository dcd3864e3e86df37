# Fails if: the NixOS module makes something else of a table of configurations than it must. That is seen when this is
# evaluated.
{ lib, runCommand }:
runCommand "nixos-module"
  {
    outcome = builtins.toJSON (import ../../tests/nix/module-eval.nix { inherit lib; });
  }
  ''
    echo "$outcome" | tee $out
  ''
