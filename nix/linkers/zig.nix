# Links with zig, as `cargo xtask dist` does: the same compiler, linker, C library and flags, and so the same bits.
{
  rustToolchain,
  zig,
  channel,
  targets,
}:
target: {
  # For the record beside the artifacts.
  description = "rustc ${channel}, std of rust-overlay, zig ${zig.zigVersion}, cargo-zigbuild ${zig.zigbuildVersion}";
  inherit (targets.${target}) rustflags;
  cargoBuildCommand = "cargo zigbuild --release";
  nativeBuildInputs = [ zig ];
  env = {
    CC_SHELL_ESCAPED_FLAGS = "1";
    MACOSX_DEPLOYMENT_TARGET = targets.${target}.macosVersion;
    CARGO_ZIGBUILD_ZIG_PATH = "${zig}/bin/zig";
    # rustc strips macOS programs with a tool of its own that needs its own libraries.
    LD_LIBRARY_PATH = "${rustToolchain}/lib";
  };
  # In cargo's folder, so that the C library that zig compiles for the dependencies is there for the program, too.
  preBuild = ''
    mkdir -p target
    export ZIG_GLOBAL_CACHE_DIR=$PWD/target/zig-cache CARGO_ZIGBUILD_CACHE_DIR=$PWD/target/zigbuild-cache
  '';
  postInstall = "";
}
