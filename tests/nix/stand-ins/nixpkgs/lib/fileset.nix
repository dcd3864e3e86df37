# File sets: here a set is the list of its files and folders.
lib:
let
  inherit (builtins) isPath pathExists;

  paths =
    set:
    if set ? standInFileset then
      set.standInFileset
    else if isPath set && pathExists set then
      [ set ]
    else
      throw "there is no ${toString set}";

  isBelow = folder: path: path == folder || lib.hasPrefix "${folder}/" path;
in
{
  unions = sets: { standInFileset = lib.unique (builtins.concatMap paths sets); };

  toSource =
    { root, fileset }:
    let
      chosen = map toString (paths fileset);
      filter = path: _: builtins.any (one: isBelow one path || isBelow path one) chosen;
    in
    {
      # crane looks at these, to read manifests without building anything.
      _isLibCleanSourceWith = true;
      origSrc = root;
      inherit filter;
      name = "source";
      outPath = builtins.path {
        name = "source";
        path = root;
        inherit filter;
      };
    };
}
