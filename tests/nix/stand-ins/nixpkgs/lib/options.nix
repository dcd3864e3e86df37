# What belongs to one option: its declaration, the properties that a definition may be wrapped in, and how its
# definitions become one value. A definition is `{ file, value }`; a type is what types.nix says.
lib:
let
  inherit (builtins)
    all
    attrNames
    concatLists
    concatStringsSep
    filter
    foldl'
    head
    isAttrs
    isBool
    isString
    length
    map
    mapAttrs
    match
    zipAttrsWith
    ;

  # Declarations. What nixpkgs knows beyond these properties, nobody here uses.
  known = [
    "default"
    "defaultText"
    "description"
    "example"
    "type"
  ];
  mkOption =
    option:
    let
      unknown = attrNames (removeAttrs option known);
    in
    if unknown == [ ] then
      option // { _type = "option"; }
    else
      throw "An option is declared with ${toString unknown}.";

  mkEnableOption =
    what:
    mkOption {
      type = lib.types.bool;
      default = false;
      example = true;
      description = "Whether to enable ${what}.";
    };

  literalExpression =
    text:
    if isString text then
      {
        _type = "literalExpression";
        inherit text;
      }
    else
      throw "literalExpression takes a text.";

  is = property: value: value._type or null == property;
  isOption = is "option";

  # Properties of definitions.
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };
  # The lowest wins.
  priorities = {
    force = 50;
    plain = 100;
    default = 1000;
    ofOption = 1500;
  };

  # A property of a set as one of each attribute, so that a condition may depend on the configuration that the set
  # is a part of.
  pushDown =
    value:
    let
      content = pushDown value.content;
      each = wrap: if isAttrs content then mapAttrs (_: wrap) content else content;
    in
    if is "if" value then
      each (mkIf value.condition)
    else if is "override" value then
      each (mkOverride value.priority)
    else
      value;

  # No definition where a condition does not hold.
  discharge =
    def:
    if !is "if" def.value then
      [ def ]
    else if !isBool def.value.condition then
      throw "The condition of an mkIf in ${def.file} is no Boolean."
    else if def.value.condition then
      discharge (def // { value = def.value.content; })
    else
      [ ];

  strongest =
    defs:
    let
      priority = def: if is "override" def.value then def.value.priority else priorities.plain;
      best = foldl' (least: next: if next < least then next else least) priorities.ofOption (
        map priority defs
      );
      strip = def: if is "override" def.value then def // { value = def.value.content; } else def;
    in
    map strip (filter (def: priority def == best) defs);

  # Faults name the option and the files that they come from.
  isPlainName = name: match "[a-zA-Z_][a-zA-Z0-9_'-]*" name != null;
  showOption = loc: concatStringsSep "." (map (n: if isPlainName n then n else "\"${n}\"") loc);
  showFiles = places: concatStringsSep " and " (lib.unique (map (place: place.file) places));
  refuse =
    loc: places: fault:
    throw "The option `${showOption loc}' ${fault}${
      lib.optionalString (places != [ ]) ", in ${showFiles places}"
    }.";

  # Values that are the same or in conflict.
  mergeEqual =
    loc: defs:
    let
      first = head defs;
      others = filter (def: def.value != first.value) defs;
    in
    if others == [ ] then
      first.value
    else
      refuse loc ([ first ] ++ others) "has conflicting definitions";

  # Values that cannot be compared, or must not be because that would evaluate all of them.
  mergeOne =
    loc: defs:
    if length defs == 1 then (head defs).value else refuse loc defs "is defined more than once";

  takesAll = type: all (def: type.check def.value);

  # The one value of an option, or of a part of it.
  mergeDefinitions =
    loc: type: defs:
    let
      valid = strongest (concatLists (map discharge defs));
    in
    {
      isDefined = valid != [ ];
      value =
        if valid == [ ] && !(type.mayBeUnset or false) then
          refuse loc [ ] "is used but not defined"
        else if takesAll type valid then
          type.merge loc valid
        else
          refuse loc (filter (def: !type.check def.value) valid) "is not of type `${type.description}'";
    };

  # Definitions of sets as the definitions of each attribute.
  byName =
    defs:
    zipAttrsWith (_: values: values) (
      map (def: mapAttrs (_: value: def // { inherit value; }) def.value) defs
    );
in
{
  inherit
    byName
    isOption
    literalExpression
    mergeDefinitions
    mergeEqual
    mergeOne
    mkEnableOption
    mkIf
    mkOption
    pushDown
    refuse
    takesAll
    ;
  mkDefault = mkOverride priorities.default;
  mkForce = mkOverride priorities.force;
  mkOptionDefault = mkOverride priorities.ofOption;
}
