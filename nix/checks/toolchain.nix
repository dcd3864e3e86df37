# Fails if: the compiler is another than rust-toolchain.toml says, which is the one that everyone without Nix uses;
# or a target has no standard library.
{
  lib,
  runCommand,
  rustToolchain,
  channel,
  targets,
}:
runCommand "toolchain-is-in-step" { nativeBuildInputs = [ rustToolchain ]; } ''
  version=$(rustc --version)
  case "$version" in
    "rustc ${channel} "*) ;;
    *) echo "the flake has $version, rust-toolchain.toml asks for ${channel}" >&2; exit 1 ;;
  esac
  for target in ${toString (lib.attrNames targets)}; do
    libraries=$(rustc --print target-libdir --target "$target")
    if ! [ -e "$libraries" ]; then
      echo "there is no standard library for $target" >&2
      exit 1
    fi
  done
  touch $out
''
