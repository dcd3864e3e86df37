# `rust-bin` with the one toolchain of the machine.
final: _:
let
  inherit (final) lib standInMachine;
  inherit (standInMachine) rust;

  isForeign = target: !lib.hasPrefix "${rust.sysroot}/" rust.std.${target};

  minimal =
    {
      extensions ? [ ],
      targets ? [ ],
    }:
    let
      missing = lib.filter (target: !(rust.std ? ${target})) targets;
    in
    if missing != [ ] then
      throw "this machine has no standard library for ${toString missing}"
    else
      final.runCommand "rust-minimal-${rust.version}"
        {
          passthru.programs = [
            "cargo"
            "rustc"
          ]
          ++ lib.optional (lib.elem "clippy" extensions) "cargo-clippy"
          ++ lib.optional (lib.elem "rustfmt" extensions) "cargo-fmt";
          # Where the compiler's own folder has no standard library of a target, `cargo xtask` built one from source.
          passthru.origins = lib.genAttrs (lib.filter isForeign targets) (_: "built from source");
        }
        ''
          mkdir -p $out/bin $out/lib/rustlib
          ln -s ${rust.sysroot}/lib/*.so* $out/lib/
          ln -s ${rust.sysroot}/lib/rustlib/${final.stdenv.hostPlatform.rust.rustcTarget} $out/lib/rustlib/
          ${lib.concatMapStringsSep "\n" (
            target: "ln -s ${rust.std.${target}} $out/lib/rustlib/${target}"
          ) targets}
          for program in rustc rustdoc clippy-driver; do
            printf '#!/bin/bash\nexec %s --sysroot %s "$@"\n' ${rust.sysroot}/bin/$program $out > $out/bin/$program
            chmod +x $out/bin/$program
          done
          ln -s ${rust.sysroot}/bin/{cargo,cargo-clippy,cargo-fmt,rustfmt} $out/bin/
        '';
in
{
  rust-bin.stable.${rust.version}.minimal = lib.makeOverridable minimal { };
}
