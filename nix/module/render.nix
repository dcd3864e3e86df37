# The settings as the text of the client's configuration file. What is `null` is left out.
settings:
let
  withoutNull =
    section:
    removeAttrs section (builtins.filter (key: section.${key} == null) (builtins.attrNames section));
in
builtins.toJSON (builtins.mapAttrs (_: withoutNull) settings)
