# A file like artifacts.toml with these rows alone: a change of other rows packs nothing again.
{
  lib,
  writeText,
  programRows,
}:
artifactRows:
let
  table =
    name: row:
    "[[${name}]]\n"
    + lib.concatStrings (lib.mapAttrsToList (key: value: "${key} = ${toTOML value}\n") row);

  # Texts, numbers and booleans are written as in JSON.
  toTOML =
    value:
    if lib.isAttrs value then
      "{ ${lib.concatStringsSep ", " (lib.mapAttrsToList (key: part: "${key} = ${toTOML part}") value)} }"
    else if lib.isList value then
      "[${lib.concatMapStringsSep ", " toTOML value}]"
    else
      builtins.toJSON value;
in
writeText "artifacts.toml" (
  lib.concatMapStringsSep "\n" (table "program") programRows
  + "\n"
  + lib.concatMapStringsSep "\n" (table "artifact") artifactRows
)
