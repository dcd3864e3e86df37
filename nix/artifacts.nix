# Every artifact: a row of artifacts.toml is all that a further one takes.
{
  lib,
  artifact,
  artifactRows,
  clients,
}:
let
  artifacts = lib.listToAttrs (map (row: lib.nameValuePair row.name (make row)) artifactRows);

  make =
    row:
    let
      find =
        table: kind: name:
        table.${name} or (throw "artifacts.toml: ${row.name} needs ${name}, which is no ${kind}");
    in
    artifact {
      inherit row;
      programs = map (find clients "target of targets.toml") (row.targets or [ ]);
      from = map (find artifacts "artifact") (row.of or [ ]);
    };
in
artifacts
