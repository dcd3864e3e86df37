# Settings and folders as the text of the client's configuration file. What is `null` is left out.
{ settings, folders }:
let
  withoutNull =
    section:
    removeAttrs section (builtins.filter (key: section.${key} == null) (builtins.attrNames section));
in
builtins.toJSON (
  builtins.mapAttrs (_: withoutNull) settings
  // (if folders == [ ] then { } else { folders = map withoutNull folders; })
)
