# Modules become one configuration: their declarations are met with their definitions.
#
# It refuses what nixpkgs refuses, and names the option and the files. What nobody here uses is missing rather than
# half done (mkMerge, mkOrder, specialArgs, options that are declared twice, …), so that a module which starts to use
# it fails here instead of meaning something else than in nixpkgs.
lib:
let
  inherit (builtins)
    attrNames
    concatLists
    elemAt
    filter
    functionArgs
    genList
    genericClosure
    head
    isAttrs
    isFunction
    length
    map
    mapAttrs
    seq
    tail
    typeOf
    ;
  inherit (import ./options.nix lib)
    byName
    isOption
    mergeDefinitions
    mergeOne
    mkOption
    mkOptionDefault
    pushDown
    refuse
    ;

  reverse = list: genList (n: elemAt list (length list - 1 - n)) (length list);
  nested = path: value: if path == [ ] then value else { ${head path} = nested (tail path) value; };
  overlay =
    below: above:
    below
    // mapAttrs (
      name: value:
      if isAttrs value && isAttrs (below.${name} or null) then overlay below.${name} value else value
    ) above;

  # A module as `{ key, file, imports, options, definitions }`.
  shaped =
    place: module:
    let
      aside = removeAttrs module [
        "_file"
        "freeformType"
        "imports"
      ];
      rest = removeAttrs aside [
        "config"
        "options"
      ];
      isExplicit = aside ? config || aside ? options;
      file = module._file or place.file;
    in
    if !isAttrs module || module ? _type then
      throw "${place.file} has a module that is none."
    else if isExplicit && rest != { } then
      throw "The module ${file} has options or config, so it cannot have ${toString (attrNames rest)} beside them."
    else
      {
        inherit (place) key;
        inherit file;
        imports = module.imports or [ ];
        options = module.options or { };
        definitions =
          map
            (value: {
              inherit file value;
            })
            (
              [ (if isExplicit then module.config or { } else rest) ]
              ++ lib.optional (module ? freeformType) { _module = { inherit (module) freeformType; }; }
            );
      };

  # An argument may come from the configuration, so its value must not be needed to call the module.
  call =
    arguments: function:
    function (
      mapAttrs (name: _: arguments.given.${name} or arguments.configured.${name}) (functionArgs function)
      // arguments.given
    );

  # `place` is for modules that are no files.
  load =
    arguments: place: module:
    if isFunction module then
      shaped place (call arguments module)
    else if isAttrs module then
      shaped place module
    else
      let
        file = toString module;
        content = import module;
      in
      shaped {
        inherit file;
        key = file;
      } (if isFunction content then call arguments content else content);

  # All modules and what they import, each file once.
  collect =
    arguments: modules:
    let
      loadFrom =
        importer: imports:
        genList (
          n:
          load arguments {
            inherit (importer) file;
            key = "${importer.key}:${toString n}";
          } (elemAt imports n)
        ) (length imports);
    in
    genericClosure {
      startSet = loadFrom {
        file = "<unknown-file>";
        key = "";
      } modules;
      operator = module: loadFrom module module.imports;
    };

  # Declarations met with definitions: `values`, a tree as that of the options, and the definitions that are
  # `unmatched`, each with its path.
  meet =
    loc: declarations: definitions:
    let
      declared = byName declarations;
      defined = byName (map (pushed loc) definitions);

      results = mapAttrs (name: meetOne (loc ++ [ name ]) (defined.${name} or [ ])) declared;
      unmatched =
        mapAttrs (_: result: result.unmatched) results // removeAttrs defined (attrNames declared);
    in
    {
      values = mapAttrs (_: result: result.values) results;
      unmatched = concatLists (
        lib.mapAttrsToList (name: map (def: def // { path = [ name ] ++ def.path or [ ]; })) unmatched
      );
    };

  pushed =
    loc: def:
    let
      value = pushDown def.value;
    in
    if isAttrs value then
      def // { inherit value; }
    else
      refuse loc [ def ] "has options inside, but is defined as a ${typeOf value}";

  meetOne =
    loc: definitions: declarations:
    let
      options = filter (declaration: isOption declaration.value) declarations;
    in
    if options == [ ] then
      meet loc declarations definitions
    else if length declarations == 1 then
      {
        values = valueOf loc (head options) definitions;
        unmatched = [ ];
      }
    else
      refuse loc declarations "is declared more than once";

  valueOf =
    loc: declaration: definitions:
    let
      option = declaration.value;
      default = lib.optional (option ? default) {
        inherit (declaration) file;
        value = mkOptionDefault option.default;
      };
    in
    (mergeDefinitions loc option.type (default ++ definitions)).value;

  # What evaluation itself is told by modules. Neither may be looked into early: the arguments can be whole package
  # sets, and modules are called with them.
  once = {
    description = "a value";
    check = _: true;
    merge = mergeOne;
  };
  arguments = {
    description = "arguments of modules";
    check = isAttrs;
    merge =
      loc: defs:
      mapAttrs (name: values: (mergeDefinitions (loc ++ [ name ]) once values).value) (byName defs);
  };
  internal = {
    _file = "lib/modules.nix";
    options._module = {
      args = mkOption {
        type = arguments;
        default = { };
      };
      freeformType = mkOption {
        type = once;
        default = null;
      };
    };
  };

  # The configuration that modules make below `loc`.
  evaluate =
    loc: modules:
    let
      # The last module comes first, as in nixpkgs: it is the order of lists.
      collected = reverse (
        collect {
          given = { inherit lib config; };
          configured = met.values._module.args;
        } (modules ++ [ internal ])
      );
      met = meet loc (map (module: {
        inherit (module) file;
        value = module.options;
      }) collected) (concatLists (map (module: module.definitions) collected));

      freeform = mergeDefinitions loc met.values._module.freeformType (
        map (def: {
          inherit (def) file;
          value = nested def.path def.value;
        }) met.unmatched
      );
      isFree = met.values._module.freeformType != null;
      config = if isFree && met.unmatched != [ ] then overlay freeform.value met.values else met.values;

      stray = head met.unmatched;
      checked =
        if isFree || met.unmatched == [ ] then
          null
        else
          refuse (loc ++ stray.path) [ stray ] "does not exist but is defined";
    in
    seq checked (removeAttrs config [ "_module" ]);
in
{
  # Below an option, for submodules.
  inherit evaluate;
  evalModules = { modules }: { config = evaluate [ ] modules; };
}
