# Fails if: the appliance is not closed until it is configured. That is seen when this is evaluated.
{ lib, runCommand }:
runCommand "nixos-appliance"
  {
    outcome = builtins.toJSON (import ../../tests/nix/appliance-eval.nix { inherit lib; });
  }
  ''
    echo "$outcome" | tee $out
  ''
