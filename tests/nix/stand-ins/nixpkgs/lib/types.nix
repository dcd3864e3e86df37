# The types of options. A type has
#   description   for faults
#   check         whether it takes a value, as far as that shows without looking inside
#   merge         LOC: DEFINITIONS: their one value; checks what is inside
#   mayBeUnset    for those that also merge no definition at all into a value
lib:
let
  inherit (builtins)
    concatLists
    elem
    filter
    foldl'
    genList
    head
    isAttrs
    isBool
    isInt
    isList
    isString
    length
    map
    mapAttrs
    tail
    toJSON
    typeOf
    ;
  inherit (import ./options.nix lib)
    byName
    mergeDefinitions
    mergeEqual
    mergeOne
    refuse
    takesAll
    ;
  inherit (import ./modules.nix lib) evaluate;

  # A type of values that are the same or in conflict.
  simple = description: check: {
    inherit description check;
    merge = mergeEqual;
  };

  between =
    least: most:
    simple "integer between ${toString least} and ${toString most}" (
      value: isInt value && value >= least && value <= most
    );

  either = first: second: {
    description = "${first.description} or ${second.description}";
    check = value: first.check value || second.check value;
    merge =
      loc: defs:
      if takesAll first defs then
        first.merge loc defs
      else if takesAll second defs then
        second.merge loc defs
      else
        mergeOne loc defs;
  };

  # Where a list in a set has no names, faults say which element of which definition it is.
  elements =
    element: loc: number: def:
    genList (
      n:
      mergeDefinitions (loc ++ [ "[definition ${toString number}, element ${toString (n + 1)}]" ]) element
        [
          {
            inherit (def) file;
            value = builtins.elemAt def.value n;
          }
        ]
    ) (length def.value);

  # The kinds of values that `anything` merges each in its way.
  kindOf =
    value: if isAttrs value && (value ? outPath || value ? __toString) then "package" else typeOf value;

  self = {
    str = simple "string" isString;
    bool = simple "boolean" isBool;
    int = simple "integer" isInt;
    ints = { inherit between; };
    port = between 0 65535;
    enum = values: simple "one of ${toJSON values}" (value: elem value values);
    oneOf = types: foldl' either (head types) (tail types);

    package = {
      description = "package";
      check = value: value.type or null == "derivation";
      merge = mergeOne;
    };

    nullOr = type: {
      description = "null or ${type.description}";
      check = value: value == null || type.check value;
      merge =
        loc: defs:
        let
          nulls = filter (def: def.value == null) defs;
        in
        if length nulls == length defs then
          null
        else if nulls == [ ] then
          type.merge loc defs
        else
          refuse loc defs "is both null and not null";
      mayBeUnset = true;
    };

    listOf = type: {
      description = "list of ${type.description}";
      check = isList;
      merge =
        loc: defs:
        let
          merged = concatLists (
            genList (n: elements type loc (n + 1) (builtins.elemAt defs n)) (length defs)
          );
        in
        map (element: element.value) (filter (element: element.isDefined) merged);
      mayBeUnset = true;
    };

    attrsOf = type: {
      description = "attribute set of ${type.description}";
      check = isAttrs;
      merge =
        loc: defs:
        let
          merged = mapAttrs (name: mergeDefinitions (loc ++ [ name ]) type) (byName defs);
        in
        mapAttrs (_: attribute: attribute.value) (
          lib.filterAttrs (_: attribute: attribute.isDefined) merged
        );
      mayBeUnset = true;
    };

    anything = {
      description = "anything";
      check = _: true;
      merge =
        loc: defs:
        let
          kind = kindOf (head defs).value;
        in
        if lib.unique (map (def: kindOf def.value) defs) != [ kind ] then
          refuse loc defs "has definitions of different types"
        else if kind == "set" then
          (self.attrsOf self.anything).merge loc defs
        else if kind == "package" then
          mergeOne loc defs
        else
          mergeEqual loc defs;
    };

    submodule = module: {
      description = "submodule";
      check = isAttrs;
      merge =
        loc: defs:
        evaluate loc (
          [ module ]
          ++ map (def: {
            _file = def.file;
            config = def.value;
          }) defs
        );
      mayBeUnset = true;
    };
  };
in
self
