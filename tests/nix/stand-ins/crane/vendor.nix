# The sources of all dependencies, from the archives that cargo downloaded to this machine, held to the checksums of
# Cargo.lock. The folders are links, one for each registry and one for each crate, as crane makes them.
pkgs:
{ cargoLock }:
let
  inherit (pkgs) lib;
  locked = lib.filter (crate: crate ? checksum) (lib.importTOML cargoLock).package;
  list = lib.concatMapStringsSep "\n" (
    crate: "${crate.checksum} ${crate.name}-${crate.version}"
  ) locked;

  crates =
    pkgs.runCommand "crates"
      {
        inherit list;
        passAsFile = [ "list" ];
      }
      ''
        mkdir -p $out
        while read -r checksum crate; do
          archive=${pkgs.standInMachine.crates}/$crate.crate
          echo "$checksum  $archive" | sha256sum --check --quiet
          mkdir $out/$crate
          tar --extract --gzip --file "$archive" -C $out/$crate --strip-components=1 --no-same-owner
          echo "{\"files\":{},\"package\":\"$checksum\"}" > $out/$crate/.cargo-checksum.json
        done < <(cat $listPath; echo)
      '';

  registry = pkgs.runCommand "vendor-registry" { } ''
    mkdir -p $out
    ln -s ${crates}/* $out/
  '';
in
pkgs.runCommand "vendor-cargo-deps" { } ''
  mkdir -p $out
  ln -s ${registry} $out/registry
  cat > $out/config.toml <<END
  [source.crates-io]
  replace-with = "vendored"
  [source.vendored]
  directory = "$out/registry"
  END
''
