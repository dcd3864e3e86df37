# A package set, as `import nixpkgs` gives one.
{
  system,
  overlays ? [ ],
}:
let
  lib = import ./lib;
  machine = lib.importJSON ./machine.json;

  packages =
    final:
    {
      inherit lib overlays;
      # What the test bench says of the machine. nixpkgs has nothing like it, and the flake asks for nothing like it.
      standInMachine = machine;

      newScope = extra: lib.callPackageWith (final // extra);
      callPackage = final.newScope { };
    }
    // import ./stdenv.nix { inherit lib system; }
    // import ./builders.nix { inherit lib final; }
    // import ./fetchers.nix { inherit final machine; }
    // import ./cross.nix { inherit lib final; }
    // import ./testers.nix { inherit final; }
    // lib.mapAttrs (import ./host-package.nix final) (import ./programs.nix)
    // {
      # A Python module on this machine, with a program around it.
      mypy = final.runCommand "host-mypy" { passthru.programs = [ "mypy" ]; } ''
        mkdir -p $out/bin
        printf '#!/bin/sh\nPYTHONPATH=%s exec python3 -s -m mypy "$@"\n' ${machine.mypy} > $out/bin/mypy
        chmod +x $out/bin/mypy
      '';
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
