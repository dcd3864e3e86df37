# The machine's wine, which nixpkgs has in a set of its builds.
{ final }:
{
  wineWow64Packages.stable = import ./host-package.nix final "wine" [
    "wine"
    "wineboot"
    "wineserver"
  ];
}
