# One artifact of a row of artifacts.toml, packed by the packager: a folder with the file, its digest and what it was
# made from.
{
  lib,
  runCommand,
  packager,
  sources,
}:
let
  build =
    arguments@{
      row,
      # What was compiled, a folder for each target.
      programs,
      # The artifacts that this one is made of.
      from,
      # Another version than the programs', for tests of upgrades.
      version ? null,
    }:
    let
      # What decides the bits, as a digest: the text names derivations and must not become a dependency.
      inputs = lib.concatStringsSep " " (
        [
          (builtins.toJSON row)
          (toString sources.packaging)
        ]
        ++ map (input: input.drvPath) ([ packager ] ++ programs ++ from)
      );
    in
    runCommand "pywats-client-${row.name}"
      {
        nativeBuildInputs = [ packager ];
        allowedReferences = [ ];
        digest = builtins.hashString "sha256" (builtins.unsafeDiscardStringContext inputs);
        toolchain = lib.concatStringsSep "; " (lib.unique (map (made: made.toolchain) (programs ++ from)));
        passthru = {
          inherit row programs from;
          inherit (row) format;
          withVersion = another: build (arguments // { version = another; });
        };
      }
      ''
        # The changelog says the time, not nixpkgs.
        unset SOURCE_DATE_EPOCH
        packager pack --manifest ${sources.packaging}/packaging/product.toml \
          ${what { inherit row programs from; }} --out $out --toolchain "$toolchain" --inputs "$digest" \
          ${lib.optionalString (version != null) "--package-version ${version}"}
      '';

  # How the packager is told what to pack.
  what =
    {
      row,
      programs,
      from,
    }:
    let
      program = builtins.head programs;
    in
    if builtins.length programs != 1 || from != [ ] then
      throw "${row.name}: the packager makes artifacts of one program only"
    else
      "--format ${row.format} --target ${program.target} --program ${program}/bin/${program.fileName}";
in
build
