# Wheels that `cargo xtask` installs, at the hashes that it pins. What is in them is made for every Linux.
{
  lib,
  stdenv,
  fetchPypi,
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

  # Which of the hashes is this machine's, and what the wheels for each processor are called.
  platforms = {
    x86_64-linux = {
      hash = 1;
      ziglang = "manylinux_2_12_x86_64.manylinux2010_x86_64.musllinux_1_1_x86_64";
      cargo-zigbuild = "manylinux_2_5_x86_64.manylinux1_x86_64";
      astral-dev-toolchain-cargo-dist = "manylinux_2_17_x86_64.manylinux2014_x86_64";
    };
    aarch64-linux = {
      hash = 2;
      ziglang = "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64";
      cargo-zigbuild = "manylinux_2_17_aarch64.manylinux2014_aarch64";
      astral-dev-toolchain-cargo-dist = "manylinux_2_17_aarch64.manylinux2014_aarch64";
    };
  };
  platform = platforms.${stdenv.hostPlatform.system};
in
{
  version = name: lib.elemAt (pin name) 0;

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
}
