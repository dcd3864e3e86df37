# An attribute set of texts and booleans as Python assignments. A JSON string is a Python string.
values:
let
  literal =
    value: if builtins.isBool value then (if value then "True" else "False") else builtins.toJSON value;
in
builtins.concatStringsSep "" (
  map (name: "${name} = ${literal values.${name}}\n") (builtins.attrNames values)
)
