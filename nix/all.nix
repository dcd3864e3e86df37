# Every artifact in one folder, with SHA256SUMS and artifacts.json: what `cargo xtask dist` leaves in dist/.
{
  lib,
  runCommand,
  packager,
  artifacts,
  version,
}:
runCommand "pywats-client-dist-${version}"
  {
    nativeBuildInputs = [ packager ];
    folders = lib.attrValues artifacts;
    allowedReferences = [ ];
  }
  ''
    packager merge --out $out $folders
  ''
