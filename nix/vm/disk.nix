# What a guest is handed: a raw disk that is a tar of the packages, the same at a higher version, the test server
# and a report. Enterprise Linux has no 9p, so its guests see neither the store nor a shared folder.
{ pkgs }:
let
  inherit (pkgs) lib;
in
{
  name,
  extension,
  # Each with its package, what it is called in the guest, and what it is called there at the higher version.
  artifacts,
  server,
}:
pkgs.runCommand "${name}-handed.raw" { } ''
  mkdir handed
  ${lib.concatMapStringsSep "" (
    {
      package,
      name,
      upgrade,
    }:
    ''
      cp ${package}/*.${extension} handed/${name}.${extension}
      cp ${package.withVersion "255.0.0"}/*.${extension} handed/${upgrade}.${extension}
    ''
  ) artifacts}
  cp ${server}/bin/wats-test-server handed/
  cp ${import ./report.nix} handed/report.json
  tar --create --file disk --directory handed --owner 0 --group 0 --numeric-owner --sort name --mtime @0 .
  # Disks have whole sectors; what follows the end of a tar is not read.
  truncate --size %1M disk
  mv disk $out
''
