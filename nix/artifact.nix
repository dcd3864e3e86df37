# One artifact of a row of artifacts.toml, packed by the packager: a folder with the file, its digest and what it was
# made from.
{
  lib,
  runCommand,
  packager,
  plan,
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
      rows = lib.unique ([ row ] ++ lib.concatMap (made: made.rows) from);
      rowsFile = plan rows;

      # What decides the bits, as a digest: the text names derivations and must not become a dependency.
      inputs = lib.concatStringsSep " " (
        [ (toString sources.packaging) ]
        ++ map (input: input.drvPath) (
          [
            packager
            rowsFile
          ]
          ++ programs
          ++ from
        )
      );
    in
    runCommand "pywats-client-${row.name}"
      {
        nativeBuildInputs = [ packager ];
        allowedReferences = [ ];
        digest = builtins.hashString "sha256" (builtins.unsafeDiscardStringContext inputs);
        toolchain = lib.concatStringsSep "; " (lib.unique (map (made: made.toolchain) (programs ++ from)));
        passthru = {
          inherit rows;
          inherit (row) format;
          withVersion = another: build (arguments // { version = another; });
        };
      }
      ''
        # The changelog says the time, not nixpkgs.
        unset SOURCE_DATE_EPOCH
        packager pack ${row.name} --artifacts ${rowsFile} --manifest ${sources.packaging}/packaging/product.toml \
          ${lib.concatMapStringsSep " " (program: "--program ${program.target}=${program}/bin") programs} \
          ${lib.concatMapStringsSep " " (artifact: "--from ${artifact}") from} \
          --out $out --toolchain "$toolchain" --inputs "$digest" \
          ${lib.optionalString (version != null) "--package-version ${version}"}
      '';
in
build
