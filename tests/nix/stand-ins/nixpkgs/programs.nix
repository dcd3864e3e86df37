# What each package of nixpkgs brings of the programs that we use.
{
  binutils = [
    "ar"
    "objdump"
  ];
  cabextract = [ "cabextract" ];
  coreutils = [ "chroot" ];
  cpio = [ "cpio" ];
  curl = [ "curl" ];
  cargo-deny = [ "cargo-deny" ];
  deadnix = [ "deadnix" ];
  dpkg = [
    "dpkg"
    "dpkg-deb"
  ];
  fish = [ "fish" ];
  git = [ "git" ];
  gnutar = [ "tar" ];
  groff = [ "groff" ];
  gzip = [ "gzip" ];
  imagemagick = [
    "convert"
    "import"
  ];
  libarchive = [ "bsdtar" ];
  mandoc = [ "mandoc" ];
  mmdebstrap = [ "mmdebstrap" ];
  msitools = [
    "msiextract"
    "msiinfo"
  ];
  nix = [ "nix" ];
  nixfmt = [ "nixfmt" ];
  nixfmt-tree = [ "treefmt" ];
  opensc = [ "pkcs11-tool" ];
  openssl = [ "openssl" ];
  osslsigncode = [ "osslsigncode" ];
  p7zip = [ "7z" ];
  procps = [ "ps" ];
  qemu-user = [ "qemu-aarch64" ];
  rpm = [
    "rpm"
    "rpm2cpio"
    "rpmbuild"
  ];
  shellcheck = [ "shellcheck" ];
  softhsm = [ "softhsm2-util" ];
  strace = [ "strace" ];
  systemd = [
    "systemd-analyze"
    "systemd-nspawn"
  ];
  unzip = [
    "unzip"
    "zipinfo"
  ];
  util-linux = [
    "mount"
    "nsenter"
    "setpriv"
    "unshare"
  ];
  xorg-server = [ "Xvfb" ];
  zsh = [ "zsh" ];
}
