# Everything `nix run .#NAME` runs.
scope:
let
  inherit (scope.pkgs) lib writeShellApplication;
  app = description: program: {
    type = "app";
    program = lib.getExe program;
    meta = { inherit description; };
  };
in
{
  xtask =
    app "cargo xtask, with everything it needs, for the checkout in the current folder"
      (writeShellApplication {
        name = "xtask";
        runtimeInputs = scope.devShell.programs;
        text = ''exec ${lib.getExe scope.xtask} "$@"'';
      });

  dist =
    app "Builds every artifact by Nix and copies them to ./dist, or to the folder given"
      (writeShellApplication {
        name = "dist";
        runtimeInputs = [ scope.packager ];
        text = ''exec packager merge --out "''${1:-dist}" ${scope.all}'';
      });
}
