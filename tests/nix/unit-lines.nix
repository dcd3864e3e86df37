# A unit of attributes, as nix/module/unit.nix, as `{ SECTION = [ "Key=value" … ]; }`, sorted by key. What is
# repeated keeps its order, which is all that systemd looks at.
sections:
builtins.mapAttrs (
  _: section:
  builtins.concatMap (
    key:
    let
      values = section.${key};
    in
    map (value: "${key}=${toString value}") (if builtins.isList values then values else [ values ])
  ) (builtins.attrNames section)
) sections
