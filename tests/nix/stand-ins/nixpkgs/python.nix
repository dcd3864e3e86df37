# Python, with the modules that a folder of the machine has.
{ final, machine }:
let
  python3 = import ./host-package.nix final "python3" [ "python3" ];
in
python3
// {
  withPackages =
    choose:
    final.runCommand
      "python3-${
        toString (choose {
          mypy = "mypy";
        })
      }"
      { }
      ''
        mkdir -p $out/bin
        printf '#!/bin/sh\nPYTHONPATH=%s exec /usr/bin/python3 -s "$@"\n' ${machine.mypy} > $out/bin/python3
        chmod +x $out/bin/python3
      '';
}
