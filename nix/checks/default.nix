# Everything `nix flake check` proves.
scope:
let
  inherit (scope.pkgs) lib;
  call = file: scope.callPackage file { };
  ofEachArtifact =
    prefix: check:
    lib.mapAttrs' (
      name: artifact: lib.nameValuePair "${prefix}-${name}" (check name artifact)
    ) scope.artifacts;
  # Formatting and licences are judged without compiling anything.
  sourcesOnly = removeAttrs scope.workspace [
    "cargoExtraArgs"
    "cargoArtifacts"
  ];
  # Only attributes of derivations may stand in checks.
  table =
    file:
    removeAttrs (call file) [
      "override"
      "overrideDerivation"
    ];
in
{
  fmt = scope.craneLib.cargoFmt sourcesOnly;
  clippy = scope.craneLib.cargoClippy (
    scope.workspace // { cargoClippyExtraArgs = "--all-targets -- --deny warnings"; }
  );
  tests = call ./tests.nix;
  deny = scope.craneLib.cargoDeny sourcesOnly;
  toolchain = call ./toolchain.nix;
  nix-style = call ./nix-style.nix;
  scenario-types = call ./scenario-types.nix;
  nixos-unit = call ./nixos-unit.nix;
  nixos-module = call ./nixos-module.nix;
  nixos-appliance = call ./nixos-appliance.nix;
}
// ofEachArtifact "reproducible" (call ./reproducible.nix)
// table ./package-lints.nix
// import ../vm {
  inherit lib;
  inherit (scope) pkgs;
  module = scope.inputs.self.nixosModules.default;
  packages = import ../packages.nix scope;
  guests = scope.inputs.nix-vm-test.lib.${scope.pkgs.stdenv.hostPlatform.system} or { };
}
