# gcc for Windows, with Windows' own threads. The gcc that nixpkgs has for this target takes its threads from a
# library (mcfgthread), which every program would then have to bring along as a DLL.
{ pkgsCross }:
let
  inherit (pkgsCross.mingwW64) buildPackages;
in
buildPackages.wrapCC (
  buildPackages.gcc-unwrapped.override {
    threadsCross = {
      model = "win32";
      package = null;
    };
  }
)
