# A unit file and its drop-ins as `{ SECTION = [ "Key=value" … ]; }`, sorted by key; lines with the same key keep their
# order.
files:
let
  text = builtins.concatStringsSep "\n" (map builtins.readFile files);
  trimmed = builtins.filter builtins.isString (builtins.split "\n" text);
  meaningful = builtins.filter (line: builtins.match "[[A-Za-z].*" line != null) trimmed;
  keyOf = line: builtins.head (builtins.match "([A-Za-z]+)=.*" line);
  byKey = builtins.sort (a: b: keyOf a < keyOf b);

  take =
    state: line:
    let
      header = builtins.match "\\[([A-Za-z]+)]" line;
    in
    if header != null then
      state // { current = builtins.head header; }
    else
      state
      // {
        sections = state.sections // {
          ${state.current} = (state.sections.${state.current} or [ ]) ++ [ line ];
        };
      };

  read = builtins.foldl' take {
    current = null;
    sections = { };
  } meaningful;
in
builtins.mapAttrs (_: byKey) read.sections
