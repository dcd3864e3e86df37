# Compilers for other systems: the machine's own mingw-w64.
{ lib, final }:
let
  prefix = "x86_64-w64-mingw32-";

  compiler =
    { threads }:
    final.runCommand "gcc-mingw-w64-${threads}"
      {
        passthru = {
          targetPrefix = prefix;
          version = "host";
          inherit bintools;
          programs = [ "${prefix}gcc" ];
        };
      }
      ''
        mkdir -p $out/bin
        ln -s /usr/bin/${prefix}gcc-${threads} $out/bin/${prefix}gcc
        ln -s ${prefix}gcc $out/bin/${prefix}cc
        ln -s /usr/bin/${prefix}ar $out/bin/
      '';

  bintools = final.runCommand "binutils-mingw-w64" { } ''
    mkdir -p $out/bin
    ln -s /usr/bin/${prefix}{ar,as,dlltool,ld,nm,objdump,ranlib,strip} $out/bin/
  '';
in
{
  pkgsCross.mingwW64 = {
    buildPackages = {
      wrapCC = compiler: compiler;
      # The one with the threads of mcfgthread, which nixpkgs has, does not exist here.
      gcc-unwrapped = lib.makeOverridable ({ threadsCross }: compiler { threads = threadsCross.model; }) {
        threadsCross.model = "mcf";
      };
    };
    # nixpkgs has it beside the C library, not in it: whoever names libpthread.a says where it is.
    windows.pthreads = final.runCommand "winpthreads" { } ''
      mkdir -p $out/lib
      ln -s /usr/x86_64-w64-mingw32/lib/libpthread.a $out/lib/
    '';
  };
}
