# The client at another place in the store, as a newer version of it would be.
{ pkgs, packages }:
pkgs.runCommand "pywats-client-upgraded" { } ''
  mkdir -p $out/bin
  cp ${packages.pywats-client}/bin/pywats-client $out/bin/
''
