# One artifact, packed by the packager from a program: a folder with the file, its digest and what it was made from.
{
  lib,
  runCommand,
  packager,
  sources,
}:
let
  build =
    {
      format,
      client,
      # Another version than the program's, for tests of upgrades.
      version ? null,
    }:
    let
      inputs = lib.concatStringsSep " " [
        client.drvPath
        packager.drvPath
        (toString sources.packaging)
      ];
    in
    runCommand "pywats-client-${lib.replaceStrings [ "." ] [ "-" ] format}-${client.target}"
      {
        nativeBuildInputs = [ packager ];
        allowedReferences = [ ];
        inherit (client) toolchain;
        # What decides the bits, as a digest: the text names derivations and must not become a dependency.
        digest = builtins.hashString "sha256" (builtins.unsafeDiscardStringContext inputs);
        passthru = {
          inherit format client;
          inherit (client) target;
          withVersion =
            another:
            build {
              inherit format client;
              version = another;
            };
        };
      }
      ''
        # The changelog says the time, not nixpkgs.
        unset SOURCE_DATE_EPOCH
        packager pack --manifest ${sources.packaging}/packaging/product.toml --format ${format} \
          --target ${client.target} --program ${client}/bin/${client.fileName} --out $out \
          --toolchain "$toolchain" --inputs "$digest" \
          ${lib.optionalString (version != null) "--package-version ${version}"}
      '';
in
build
