# zig and cargo-zigbuild: the wheels that `cargo xtask dist` installs, at the hashes that it pins. With the same
# linker and C library both ways of building give the same bits. The programs in them are static.
{
  lib,
  stdenv,
  fetchPypi,
  runCommand,
  unzip,
}:
let
  requirements = builtins.readFile ../xtask/src/toolchain/requirements.txt;

  # Version, and the hashes for x86_64 and aarch64 in this order.
  pin =
    name:
    let
      found = builtins.match ".*\n${name}==([^ ]+) [^0-9a-z]+--hash=sha256:([0-9a-f]+) [^0-9a-z]+--hash=sha256:([0-9a-f]+)\n.*" requirements;
    in
    if found == null then throw "requirements.txt does not pin ${name} with two hashes" else found;

  # What the wheels for each processor are called.
  platforms = {
    x86_64-linux = {
      hash = 1;
      ziglang = "manylinux_2_12_x86_64.manylinux2010_x86_64.musllinux_1_1_x86_64";
      cargo-zigbuild = "manylinux_2_5_x86_64.manylinux1_x86_64";
    };
    aarch64-linux = {
      hash = 2;
      ziglang = "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64";
      cargo-zigbuild = "manylinux_2_17_aarch64.manylinux2014_aarch64";
    };
  };
  platform = platforms.${stdenv.hostPlatform.system};

  wheel =
    name:
    fetchPypi {
      pname = lib.replaceStrings [ "-" ] [ "_" ] name;
      version = lib.elemAt (pin name) 0;
      format = "wheel";
      dist = "py3";
      python = "py3";
      platform = platform.${name};
      sha256 = lib.elemAt (pin name) platform.hash;
    };
in
runCommand "zig-${lib.elemAt (pin "ziglang") 0}"
  {
    nativeBuildInputs = [ unzip ];
    passthru = {
      zigVersion = lib.elemAt (pin "ziglang") 0;
      zigbuildVersion = lib.elemAt (pin "cargo-zigbuild") 0;
    };
  }
  ''
    mkdir -p $out/bin $out/lib
    unzip -q ${wheel "ziglang"} 'ziglang/*' -d $out/lib
    unzip -q -j ${wheel "cargo-zigbuild"} '*/scripts/cargo-zigbuild' -d $out/bin
    chmod +x $out/lib/ziglang/zig $out/bin/cargo-zigbuild
    ln -s ../lib/ziglang/zig $out/bin/zig
    # rustc makes import libraries for Windows by programs of these names.
    for processor in x86_64 aarch64; do
      printf '#!/bin/sh\nexec %s dlltool "$@"\n' $out/bin/zig > $out/bin/$processor-w64-mingw32-dlltool
      chmod +x $out/bin/$processor-w64-mingw32-dlltool
    done
  ''
