# Every artifact. A row is all that a further one takes.
{
  lib,
  artifact,
  clientFor,
}:
let
  linux-x86_64 = clientFor "x86_64-unknown-linux-musl";
  linux-aarch64 = clientFor "aarch64-unknown-linux-musl";
  windows-x86_64 = clientFor "x86_64-pc-windows-gnu";
  macos-x86_64 = clientFor "x86_64-apple-darwin";
  macos-aarch64 = clientFor "aarch64-apple-darwin";
in
lib.mapAttrs (_: artifact) {
  deb-amd64 = {
    format = "deb";
    client = linux-x86_64;
  };
  deb-arm64 = {
    format = "deb";
    client = linux-aarch64;
  };
  rpm-x86_64 = {
    format = "rpm";
    client = linux-x86_64;
  };
  rpm-aarch64 = {
    format = "rpm";
    client = linux-aarch64;
  };
  msi = {
    format = "msi";
    client = windows-x86_64;
  };
  zip = {
    format = "zip";
    client = windows-x86_64;
  };
  tarball-x86_64-linux = {
    format = "tar.gz";
    client = linux-x86_64;
  };
  tarball-aarch64-linux = {
    format = "tar.gz";
    client = linux-aarch64;
  };
  tarball-x86_64-macos = {
    format = "tar.gz";
    client = macos-x86_64;
  };
  tarball-aarch64-macos = {
    format = "tar.gz";
    client = macos-aarch64;
  };
}
