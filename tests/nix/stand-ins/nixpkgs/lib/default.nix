# The part of nixpkgs' library that the flake uses. Each function does what the one of nixpkgs does; the list in
# tests/nix/confirmed.toml says where that was read.
let
  inherit (builtins)
    attrNames
    attrValues
    elem
    elemAt
    filter
    foldl'
    fromJSON
    fromTOML
    functionArgs
    genList
    intersectAttrs
    isAttrs
    isFunction
    isList
    length
    listToAttrs
    map
    mapAttrs
    readFile
    replaceStrings
    stringLength
    substring
    ;

  letters = text: genList (i: substring i 1 text) (stringLength text);

  lib = {
    inherit
      attrNames
      attrValues
      elem
      elemAt
      filter
      foldl'
      isAttrs
      isFunction
      isList
      listToAttrs
      mapAttrs
      replaceStrings
      ;
    inherit (builtins) concatMap concatStringsSep;

    fileset = import ./fileset.nix lib;

    # Attribute sets.
    nameValuePair = name: value: { inherit name value; };
    genAttrs = names: f: listToAttrs (map (name: lib.nameValuePair name (f name)) names);
    mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
    optionalAttrs = condition: set: if condition then set else { };

    # Lists.
    optional = condition: value: if condition then [ value ] else [ ];
    unique = foldl' (list: value: if elem value list then list else list ++ [ value ]) [ ];

    # Strings.
    concatStrings = builtins.concatStringsSep "";
    concatMapStringsSep =
      separator: f: list:
      builtins.concatStringsSep separator (map f list);
    optionalString = condition: text: if condition then text else "";
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    hasInfix = infix: text: length (builtins.split (lib.escapeRegex infix) text) > 1;
    removePrefix =
      prefix: text: if lib.hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
    escapeRegex = replaceStrings (letters "\\[{()^$?*+|.") (
      map (c: "\\${c}") (letters "\\[{()^$?*+|.")
    );
    escapeShellArg = value: "'${replaceStrings [ "'" ] [ "'\\''" ] (toString value)}'";
    escapeShellArgs = lib.concatMapStringsSep " " lib.escapeShellArg;

    # Files.
    importJSON = path: fromJSON (readFile path);
    importTOML = path: fromTOML (readFile path);

    # Packages.
    getExe = package: "${package}/bin/${package.meta.mainProgram}";
    makeBinPath = lib.concatMapStringsSep ":" (package: "${package}/bin");

    # Modules.
    inherit (import ./modules.nix lib) evalModules;
    inherit (import ./options.nix lib)
      literalExpression
      mkDefault
      mkEnableOption
      mkForce
      mkIf
      mkOption
      mkOptionDefault
      ;
    types = import ./types.nix lib;

    # Functions and fixed points.
    fix =
      f:
      let
        x = f x;
      in
      x;
    makeOverridable =
      f: arguments:
      let
        result = f arguments;
        override =
          another:
          lib.makeOverridable f (arguments // (if isFunction another then another arguments else another));
      in
      if isAttrs result then result // { inherit override; } else result;
    callPackageWith =
      scope: file: arguments:
      let
        function = if isFunction file then file else import file;
      in
      lib.makeOverridable function (intersectAttrs (functionArgs function) scope // arguments);
    makeScope =
      newScope: f:
      let
        self = f self // {
          newScope = scope: newScope (self // scope);
          callPackage = self.newScope { };
          overrideScope =
            g:
            lib.makeScope newScope (
              final:
              let
                prev = f final;
              in
              prev // g final prev
            );
          packages = f;
        };
      in
      self;
  };
in
lib
