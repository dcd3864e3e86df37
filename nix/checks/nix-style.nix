# Fails if: a Nix file is not formatted, or says something that nothing uses.
{
  runCommand,
  nixfmt,
  deadnix,
  sources,
}:
runCommand "nix-style"
  {
    nativeBuildInputs = [
      nixfmt
      deadnix
    ];
  }
  ''
    find ${sources.flake} -name '*.nix' -print0 | xargs -0 nixfmt --check
    deadnix --fail ${sources.flake}
    touch $out
  ''
