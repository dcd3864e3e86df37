# Every artifact. A row is all that a further one takes.
{ artifact, clientFor }:
let
  linux-x86_64 = clientFor "x86_64-unknown-linux-musl";
  linux-aarch64 = clientFor "aarch64-unknown-linux-musl";
  windows-x86_64 = clientFor "x86_64-pc-windows-gnu";
  macos-x86_64 = clientFor "x86_64-apple-darwin";
  macos-aarch64 = clientFor "aarch64-apple-darwin";
  pack = format: client: artifact { inherit format client; };
in
{
  deb-amd64 = pack "deb" linux-x86_64;
  deb-arm64 = pack "deb" linux-aarch64;
  rpm-x86_64 = pack "rpm" linux-x86_64;
  rpm-aarch64 = pack "rpm" linux-aarch64;
  msi = pack "msi" windows-x86_64;
  zip = pack "zip" windows-x86_64;
  exe = pack "exe" windows-x86_64;
  tarball-x86_64-linux = pack "tar.gz" linux-x86_64;
  tarball-aarch64-linux = pack "tar.gz" linux-aarch64;
  tarball-x86_64-macos = pack "tar.gz" macos-x86_64;
  tarball-aarch64-macos = pack "tar.gz" macos-aarch64;
}
