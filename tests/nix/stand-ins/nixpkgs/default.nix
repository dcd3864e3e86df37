# A package set, as `import nixpkgs` gives one.
{
  localSystem ? system,
  system ? localSystem,
  overlays ? [ ],
}:
let
  lib = import ./lib;
  machine = lib.importJSON ./machine.json;

  packages =
    final:
    {
      inherit lib overlays;
      # What the acceptance bench says of the machine. nixpkgs has nothing like it, and the flake asks for nothing like it.
      standInMachine = machine;

      newScope = extra: lib.callPackageWith (final // extra);
      callPackage = final.newScope { };
    }
    // import ./stdenv.nix { inherit lib system; }
    // import ./wine.nix { inherit final; }
    // import ./builders.nix { inherit lib final; }
    // import ./fetchers.nix { inherit final machine; }
    // import ./for-inputs.nix { inherit lib final; }
    // import ./testers.nix { inherit final; }
    // lib.mapAttrs (import ./host-package.nix final) (import ./programs.nix)
    // {
      python3 = import ./python.nix { inherit final machine; };
    };
in
lib.fix (
  lib.foldl' (
    base: overlay: final:
    let
      prev = base final;
    in
    prev // overlay final prev
  ) packages overlays
)
