# Fails if: the unit of the NixOS module and the packaged one with its drop-ins differ in a line, other than those that
# name programs.
#
# Needs no nixpkgs:
#     nix eval --impure --file tests/nix/unit-equals-packaged.nix
let
  namesPrograms = line: builtins.match "Exec(StartPre|Start|Reload)=.*" line != null;
  packaged = builtins.mapAttrs (_: builtins.filter (line: !namesPrograms line)) (
    import ./unit-from-file.nix (
      [ ../../packaging/systemd/pywats-client.service ]
      ++ map (name: ../../packaging/systemd/newer + "/${name}") (
        builtins.attrNames (builtins.readDir ../../packaging/systemd/newer)
      )
    )
  );
  ours = import ./unit-lines.nix (import ../../nix/module/unit.nix);

  missingFrom = there: here: builtins.filter (line: !builtins.elem line there) here;
  difference = builtins.mapAttrs (section: lines: {
    onlyPackaged = missingFrom (ours.${section} or [ ]) lines;
    onlyNixOS = missingFrom lines (ours.${section} or [ ]);
  }) packaged;
in
if ours == packaged then
  "equal: ${toString (builtins.length (builtins.concatLists (builtins.attrValues ours)))} lines"
else
  throw "the unit of the NixOS module differs from packaging/systemd/pywats-client.service: ${builtins.toJSON difference}"
