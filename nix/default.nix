# The outputs of the flake. Everything that depends on the machine it is built on comes from scope.nix.
inputs@{ self, nixpkgs, ... }:
let
  inherit (nixpkgs) lib;
  scopes = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
    system: import ./scope.nix { inherit inputs system; }
  );
  ofEach = table: lib.mapAttrs (_: import table) scopes;
in
{
  packages = ofEach ./packages.nix;
  apps = ofEach ./apps.nix;
  checks = ofEach ./checks;
  devShells = lib.mapAttrs (_: scope: { default = scope.devShell; }) scopes;
  formatter = lib.mapAttrs (_: scope: scope.pkgs.nixfmt-tree) scopes;
  overlays.default = import ./overlay.nix self;
  nixosModules = {
    default = import ./nixos-module.nix self;
    appliance.imports = [
      self.nixosModules.default
      ./appliance.nix
    ];
  };
  nixosConfigurations = import ./nixos-configurations.nix inputs;
}
