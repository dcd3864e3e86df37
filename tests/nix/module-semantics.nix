# What a module system makes of small cases: the stand-in's must give what nixpkgs' gives. Gives each case's value,
# or that it is refused.
{ lib }:
let
  inherit (lib)
    mkOption
    types
    mkIf
    mkDefault
    mkForce
    mkEnableOption
    ;
  opt = type: { options.x = mkOption { inherit type; }; };
  optd = type: default: { options.x = mkOption { inherit type default; }; };
  ev = modules: (lib.evalModules { inherit modules; }).config;
  of = type: values: ev ([ (opt type) ] ++ map (v: { x = v; }) values);
  pk = n: {
    type = "derivation";
    name = n;
    outPath = "/p/${n}";
  };
  sub = types.submodule {
    freeformType = types.attrsOf (
      types.attrsOf (
        types.nullOr (
          types.oneOf [
            types.bool
            types.int
            types.str
          ]
        )
      )
    );
    options.a.b = mkOption {
      type = types.nullOr types.str;
      default = null;
    };
    options.c = {
      d = mkOption {
        type = types.port;
        default = 1;
      };
    };
  };
  f1 = builtins.toFile "one.nix" "{ lib, config, pkgs, ... }: { options.y = lib.mkOption { type = lib.types.int; }; config.x = lib.mkIf config.e [ pkgs.n ]; }";
  base = {
    imports = [ f1 ];
    options = {
      e = mkEnableOption "it";
      x = mkOption {
        type = types.listOf types.int;
        default = [ 9 ];
      };
    };
  };
  cases = {
    listOrder = of (types.listOf types.int) [
      [
        1
        2
      ]
      [ 3 ]
      [
        4
        5
      ]
    ];
    listOrderImports = ev [
      (opt (types.listOf types.str))
      {
        imports = [
          { x = [ "i1" ]; }
          {
            imports = [ { x = [ "deep" ]; } ];
            x = [ "i2" ];
          }
        ];
        x = [ "own" ];
      }
      { x = [ "last" ]; }
    ];
    listElements = of (types.listOf types.int) [
      [
        1
        (mkIf false 2)
        (mkIf true 3)
        (mkDefault 4)
        (mkForce 5)
      ]
    ];
    listBad = of (types.listOf types.int) [
      [
        1
        "a"
      ]
    ];
    listBadSecond = of (types.listOf types.int) [
      [ 1 ]
      "a"
    ];
    listEmpty = of (types.listOf types.int) [ ];
    listIf = of (types.listOf types.int) [
      (mkIf false [ 1 ])
      (mkIf true [ 2 ])
    ];
    listForce = of (types.listOf types.int) [
      [ 1 ]
      (mkForce [ 2 ])
      (mkForce [ 3 ])
    ];
    listDefault = of (types.listOf types.int) [
      [ 1 ]
      (mkDefault [ 2 ])
    ];
    defaultGone = ev [
      (optd (types.listOf types.int) [ 7 ])
      { x = [ 1 ]; }
    ];
    defaultWeakest = ev [
      (optd types.int 7)
      { x = mkDefault 1; }
    ];
    defaultStays = ev [
      (optd types.int 7)
      { x = mkIf false 1; }
    ];
    defaultBadType = ev [ (optd types.int "7") ];
    defaultBadTypeHidden = ev [
      (optd types.int "7")
      { x = 1; }
    ];
    strSame = of types.str [
      "a"
      "a"
    ];
    strOther = of types.str [
      "a"
      "b"
    ];
    strPrio = of types.str [
      "a"
      (mkDefault "b")
      (mkForce "c")
    ];
    strForceTwice = of types.str [
      (mkForce "b")
      (mkForce "c")
    ];
    strInt = of types.str [ 1 ];
    strNone = of types.str [ ];
    strPath = of types.str [ ./module-semantics.nix ];
    strDrv = of types.str [ (pk "a") ];
    boolStr = of types.bool [ "true" ];
    bools = of types.bool [
      true
      true
    ];
    boolsOther = of types.bool [
      true
      false
    ];
    intFloat = of types.int [ 1.0 ];
    portLow = of types.port [ (-1) ];
    portZero = of types.port [ 0 ];
    portMax = of types.port [ 65535 ];
    portOver = of types.port [ 65536 ];
    between = of (types.ints.between 1 3) [ 3 ];
    betweenOver = of (types.ints.between 1 3) [ 4 ];
    betweenFloat = of (types.ints.between 1 3) [ 2.0 ];
    enumIn = of (types.enum [
      "a"
      "b"
    ]) [ "a" ];
    enumOut = of (types.enum [
      "a"
      "b"
    ]) [ "c" ];
    enumTwo =
      of
        (types.enum [
          "a"
          "b"
        ])
        [
          "a"
          "b"
        ];
    nullBoth = of (types.nullOr types.int) [
      null
      1
    ];
    nullNulls = of (types.nullOr types.int) [
      null
      null
    ];
    nullNone = of (types.nullOr types.int) [ ];
    nullBad = of (types.nullOr types.int) [ "a" ];
    nullList = of (types.nullOr (types.listOf types.int)) [
      [ 1 ]
      [ 2 ]
    ];
    oneInt = of (types.oneOf [
      types.bool
      types.int
      types.str
    ]) [ 1 ];
    oneStr =
      of
        (types.oneOf [
          types.bool
          types.int
          types.str
        ])
        [
          "a"
          "a"
        ];
    oneMixed =
      of
        (types.oneOf [
          types.bool
          types.int
          types.str
        ])
        [
          "a"
          1
        ];
    oneBad = of (types.oneOf [
      types.bool
      types.int
      types.str
    ]) [ [ ] ];
    oneList =
      of
        (types.oneOf [
          types.bool
          (types.listOf types.int)
        ])
        [
          [ 1 ]
          [ 2 ]
        ];
    pkg = (of types.package [ (pk "a") ]).x.name;
    pkgTwice =
      (of types.package [
        (pk "a")
        (pk "a")
      ]).x.name;
    pkgForce =
      (of types.package [
        (pk "a")
        (mkForce (pk "b"))
      ]).x.name;
    pkgSet = of types.package [ { a = 1; } ];
    pkgStr = of types.package [ "a" ];
    attrs = of (types.attrsOf types.int) [
      { a = 1; }
      { b = 2; }
    ];
    attrsConflict = of (types.attrsOf types.int) [
      { a = 1; }
      { a = 2; }
    ];
    attrsPrio = of (types.attrsOf types.int) [
      {
        a = mkDefault 1;
        b = mkDefault 1;
      }
      { a = 2; }
    ];
    attrsIf = of (types.attrsOf types.int) [
      {
        a = mkIf false 1;
        b = mkIf true 1;
      }
    ];
    attrsForceAll = of (types.attrsOf types.int) [
      (mkForce { a = 1; })
      { b = 2; }
    ];
    attrsBad = of (types.attrsOf types.int) [ { a = "x"; } ];
    attrsNo = of (types.attrsOf types.int) [ 1 ];
    attrsNone = of (types.attrsOf types.int) [ ];
    any = of types.anything [
      {
        a = 1;
        c.d = [ 1 ];
      }
      {
        b = 2;
        c.e = "x";
      }
    ];
    anyLists = of types.anything [
      { a = [ 1 ]; }
      { a = [ 2 ]; }
    ];
    anySameLists = of types.anything [
      { a = [ 1 ]; }
      { a = [ 1 ]; }
    ];
    anyMixed = of types.anything [
      { a = [ 1 ]; }
      { a = 2; }
    ];
    anyPrio = of types.anything [
      {
        a.b = mkDefault 1;
        a.c = mkForce 2;
      }
      {
        a.b = 3;
        a.c = 4;
      }
    ];
    anyIf = of types.anything [
      {
        a.b = mkIf false 1;
        a.c = mkIf true 2;
      }
    ];
    anyPkgs =
      (of types.anything [
        (pk "a")
        (pk "a")
      ]).x.name;
    anyPkg = (of types.anything [ (pk "a") ]).x.name;
    anyNone = of types.anything [ ];
    anyNull = of types.anything [ null ];
    undeclared = ev [
      (opt types.int)
      {
        x = 1;
        z = 2;
      }
    ];
    undeclaredIfFalse = ev [
      (opt types.int)
      {
        x = 1;
        z = mkIf false 2;
      }
    ];
    undeclaredDeep = ev [
      {
        options.a.b = mkOption {
          type = types.int;
          default = 1;
        };
      }
      { a.c = 2; }
    ];
    parentNoSet = ev [
      {
        options.a.b = mkOption {
          type = types.int;
          default = 1;
        };
      }
      { a = 2; }
    ];
    parentIfNoSet = ev [
      {
        options.a.b = mkOption {
          type = types.int;
          default = 1;
        };
      }
      { a = mkIf true 2; }
    ];
    parentIf = ev [
      {
        options.a.b = mkOption {
          type = types.int;
          default = 1;
        };
      }
      { a = mkIf true (mkIf true { b = 2; }); }
    ];
    parentForce = ev [
      {
        options.a.b = mkOption {
          type = types.int;
          default = 1;
        };
      }
      { a = mkForce { b = 2; }; }
      { a.b = 3; }
    ];
    parentDefault = ev [
      {
        options.a.b = mkOption {
          type = types.int;
          default = 1;
        };
      }
      { a = mkDefault { b = mkForce 2; }; }
      { a.b = 3; }
    ];
    declaredTwiceDefault = ev [
      (optd types.int 1)
      (optd types.int 1)
    ];
    declaredTypes = ev [
      (opt types.int)
      (opt types.str)
      { x = 1; }
    ];
    declaredBelow = ev [
      (opt types.int)
      {
        options.x.y = mkOption {
          type = types.int;
          default = 1;
        };
      }
      { x = 1; }
    ];
    badModule = ev [
      (opt types.int)
      {
        x = 1;
        config = { };
      }
    ];
    sameFileTwice = ev [
      base
      f1
      f1
      {
        y = 1;
        _module.args.pkgs.n = 3;
        e = true;
      }
    ];
    fileIf = ev [
      base
      {
        y = 1;
        _module.args.pkgs.n = 3;
      }
    ];
    argMissingUnused = ev [
      base
      { y = 1; }
    ];
    argTwice = ev [
      base
      {
        y = 1;
        e = true;
      }
      { _module.args.pkgs.n = 3; }
      { _module.args.pkgs.n = 3; }
    ];
    argForce = ev [
      base
      {
        y = 1;
        e = true;
      }
      { _module.args.pkgs.n = 3; }
      { _module.args.pkgs = mkForce { n = 4; }; }
    ];
    moduleUndeclared = ev [
      (opt types.int)
      {
        x = 1;
        _module.foo = 1;
      }
    ];
    argFromConfig = ev [
      (opt types.int)
      {
        options.q = mkOption { type = types.int; };
        config.q = 5;
      }
      ({ config, ... }: { _module.args.w = config.q; })
      ({ w, ... }: { x = w; })
    ];
    ifNoBool = of types.int [ (mkIf 1 1) ];
    ifConfig = ev [
      {
        options.e = mkEnableOption "e";
        options.x = mkOption {
          type = types.int;
          default = 0;
        };
      }
      ({ config, ... }: { config = mkIf config.e { x = 1; }; })
      { e = true; }
    ];
    ifConfigNested = ev [
      {
        options.e = mkEnableOption "e";
        options.x.y = mkOption {
          type = types.int;
          default = 0;
        };
      }
      ({ config, ... }: { config = mkIf config.e { x = mkIf (config.x.y == 1) { }; }; })
      { e = true; }
    ];
    subEmpty = of sub [ ];
    subOne = of sub [ { a.b = "x"; } ];
    subFree = of sub [
      {
        a.b = "x";
        a.n = 1;
        q.r = true;
      }
      {
        a.m = 2;
        q.s = null;
        c.d = 4;
      }
    ];
    subFreeConflict = of sub [
      { a.n = 1; }
      { a.n = 2; }
    ];
    subFreeSame = of sub [
      { a.n = 1; }
      { a.n = 1; }
    ];
    subFreeForce = of sub [
      { a.n = 1; }
      { a.n = mkForce 2; }
    ];
    subFreeIf = of sub [
      {
        a.n = mkIf false 1;
        q = mkIf false { r = 1; };
      }
    ];
    subFreeIfIn = of sub [
      {
        a = mkIf true {
          n = 1;
          b = "x";
        };
      }
    ];
    subForce = of sub [
      {
        a.n = 1;
        a.b = "1";
      }
      (mkForce { a.b = "x"; })
    ];
    subForceIn = of sub [
      {
        a.n = 1;
        a.b = "1";
      }
      { a = mkForce { b = "x"; }; }
    ];
    subFreeBad = of sub [ { a.n = [ 1 ]; } ];
    subFreeDeep = of sub [ { a.n.m = 1; } ];
    subFreeTop = of sub [ { n = 1; } ];
    subSection = of sub [ { a = 1; } ];
    subBad = of sub [ { a.b = 1; } ];
    subPort = of sub [ { c.d = 65536; } ];
    subConflict = of sub [
      { a.b = "1"; }
      { a.b = "2"; }
    ];
    subDefault = of sub [
      { a.b = mkDefault "1"; }
      { a.b = "2"; }
    ];
    subNoSet = of sub [ 1 ];
    subIf = of sub [
      (mkIf false { a.b = "1"; })
      (mkIf true { a.b = "2"; })
    ];
    subOptionDefault = ev [
      (optd sub { a.b = "default"; })
      { x.c.d = 5; }
    ];
    subOptionDefaultStays = ev [ (optd sub { a.b = "default"; }) ];
    subNoFree = of (types.submodule {
      options.a = mkOption {
        type = types.int;
        default = 1;
      };
    }) [ { b = 1; } ];
    subMissing = of (types.submodule { options.a = mkOption { type = types.int; }; }) [ { } ];
    subList =
      of
        (types.submodule {
          options.a = mkOption {
            type = types.listOf types.int;
            default = [ ];
          };
        })
        [
          { a = [ 1 ]; }
          { a = [ 2 ]; }
          { a = [ 3 ]; }
        ];
    subFunctionModule = of (types.submodule (
      { lib, config, ... }: {
        options.a = lib.mkOption {
          type = lib.types.int;
          default = 1;
        };
        options.b = lib.mkOption { type = lib.types.int; };
        config.b = config.a + 1;
      }
    )) [ { a = 4; } ];
    attrsOfSub =
      of
        (types.attrsOf (
          types.submodule {
            options.a = mkOption {
              type = types.int;
              default = 1;
            };
          }
        ))
        [
          {
            m = { };
            n.a = 2;
          }
          { n = { }; }
        ];
    freeTop = ev [
      (opt types.int)
      {
        freeformType = types.attrsOf types.int;
        x = 1;
        z = 2;
      }
    ];
    freeTopBad = ev [
      (opt types.int)
      {
        freeformType = types.attrsOf types.int;
        x = 1;
        z = "2";
      }
    ];
    freeConflicting = ev [
      (opt types.int)
      { freeformType = types.attrsOf types.int; }
      {
        freeformType = types.attrsOf types.str;
        x = 1;
      }
    ];
    enable = ev [ { options.e = mkEnableOption "e"; } ];
    enableOption = removeAttrs (mkEnableOption "e") [ "type" ];
    literal = lib.literalExpression "a";
    literalBad = lib.literalExpression 1;
    hasPrefix = [
      (lib.hasPrefix "/" "")
      (lib.hasPrefix "" "a")
      (lib.hasPrefix "ab" "abc")
      (lib.hasPrefix "abc" "ab")
    ];
  };
in
builtins.mapAttrs (
  _: v:
  let
    r = builtins.tryEval (builtins.deepSeq v v);
  in
  if r.success then { ok = r.value; } else "refused"
) cases
