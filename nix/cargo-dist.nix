# cargo-dist: the wheel of `cargo xtask release`. Its program needs glibc alone, by whose loader it is started: NixOS has
# none where programs of other distributions look for it.
{
  runCommand,
  stdenv,
  unzip,
  wheels,
}:
let
  name = "astral-dev-toolchain-cargo-dist";
in
runCommand "cargo-dist-${wheels.version name}"
  {
    nativeBuildInputs = [ unzip ];
    passthru.programs = [ "dist" ];
  }
  ''
    mkdir -p $out/bin $out/libexec
    unzip -q -j ${wheels.wheel name} '*/scripts/dist' -d $out/libexec
    chmod +x $out/libexec/dist
    printf '#!/bin/sh\nexec %s %s "$@"\n' ${stdenv.cc.bintools.dynamicLinker} $out/libexec/dist > $out/bin/dist
    chmod +x $out/bin/dist
  ''
