# Derivations over the machine's own bash, compiler and C library.
{ lib, system }:
let
  cpu = builtins.head (builtins.split "-" system);
  platform = {
    inherit system;
    parsed.cpu.name = cpu;
    isLinux = true;
    isx86_64 = cpu == "x86_64";
    rust.rustcTarget = "${cpu}-unknown-linux-gnu";
  };

  # What is no environment variable of the build.
  notForTheBuilder = [
    "buildInputs"
    "env"
    "meta"
    "nativeBuildInputs"
    "packages"
    "passthru"
    "strictDeps"
  ];

  mkDerivation =
    arguments:
    let
      tools = (arguments.nativeBuildInputs or [ ]) ++ (arguments.buildInputs or [ ]);
      name = arguments.name or "${arguments.pname}-${arguments.version}";
      derivation' = derivation (
        removeAttrs arguments notForTheBuilder
        // {
          SOURCE_DATE_EPOCH = "315532800";
        }
        // (arguments.env or { })
        // {
          inherit name system;
          builder = "/usr/bin/bash";
          args = [
            "-e"
            ./setup.sh
          ];
          PATH = builtins.concatStringsSep ":" (
            map (tool: "${tool}/bin") tools
            ++ [
              "/usr/bin"
              "/usr/sbin"
            ]
          );
        }
      );
    in
    derivation'
    // (arguments.passthru or { })
    // {
      inherit name;
      passthru = arguments.passthru or { };
      meta = arguments.meta or { };
      overrideAttrs = f: mkDerivation (arguments // (if lib.isFunction f then f arguments else f));
    }
    // lib.optionalAttrs (arguments ? version) { inherit (arguments) version; };

  stdenv = {
    inherit mkDerivation;
    hostPlatform = platform;
    buildPlatform = platform;
    targetPlatform = platform;
    cc = mkDerivation {
      name = "host-cc";
      passthru = {
        programs = [ "cc" ];
        bintools.dynamicLinker =
          if cpu == "x86_64" then "/lib64/ld-linux-x86-64.so.2" else "/lib/ld-linux-aarch64.so.1";
      };
      buildCommand = "mkdir -p $out/bin; ln -s /usr/bin/cc /usr/bin/gcc $out/bin";
    };
  };
in
{
  inherit stdenv;
}
