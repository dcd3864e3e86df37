# `lib.nixosSystem`: the modules of a machine, evaluated by themselves. What NixOS would build of them is a file that
# says them.
{ lib, packagesOf }:
{ modules }:
lib.evalModules {
  modules =
    (import ./options.nix { inherit lib; }).modules
    ++ [
      (
        { config, pkgs, ... }:
        {
          _module.args.pkgs = packagesOf.${config.nixpkgs.hostPlatform};
          system.build.toplevel = pkgs.runCommand "nixos" {
            machine = builtins.toJSON (
              removeAttrs config [ "system" ] // { inherit (config.system) stateVersion; }
            );
          } "echo \"$machine\" >$out";
        }
      )
    ]
    ++ modules;
}
