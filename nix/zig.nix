# zig and cargo-zigbuild: the wheels of `cargo xtask dist`. With the same linker and C library both ways of building give
# the same bits. The programs in them are static.
{
  runCommand,
  unzip,
  wheels,
}:
runCommand "zig-${wheels.version "ziglang"}"
  {
    nativeBuildInputs = [ unzip ];
    passthru = {
      zigVersion = wheels.version "ziglang";
      zigbuildVersion = wheels.version "cargo-zigbuild";
    };
  }
  ''
    mkdir -p $out/bin $out/lib
    unzip -q ${wheels.wheel "ziglang"} 'ziglang/*' -d $out/lib
    unzip -q -j ${wheels.wheel "cargo-zigbuild"} '*/scripts/cargo-zigbuild' -d $out/bin
    chmod +x $out/lib/ziglang/zig $out/bin/cargo-zigbuild
    ln -s ../lib/ziglang/zig $out/bin/zig
    # rustc makes import libraries for Windows by programs of these names.
    for processor in x86_64 aarch64; do
      printf '#!/bin/sh\nexec %s dlltool "$@"\n' $out/bin/zig > $out/bin/$processor-w64-mingw32-dlltool
      chmod +x $out/bin/$processor-w64-mingw32-dlltool
    done
  ''
