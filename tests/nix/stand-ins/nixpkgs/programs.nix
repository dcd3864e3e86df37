# What each package of nixpkgs brings of the programs that we use.
{
  appstream = [ "appstreamcli" ];
  apt = [ "apt-get" ];
  binutils = [
    "ar"
    "objdump"
  ];
  cabextract = [ "cabextract" ];
  coreutils = [
    "chroot"
    "dd"
    "sha256sum"
  ];
  cpio = [ "cpio" ];
  createrepo_c = [ "createrepo_c" ];
  curl = [ "curl" ];
  cargo-deny = [ "cargo-deny" ];
  dash = [ "dash" ];
  deadnix = [ "deadnix" ];
  desktop-file-utils = [ "desktop-file-validate" ];
  distribution = [ "registry" ];
  dmg2img = [ "dmg2img" ];
  dnf4 = [ "dnf" ];
  dpkg = [
    "dpkg"
    "dpkg-deb"
  ];
  e2fsprogs = [
    "e2fsck"
    "mke2fs"
  ];
  fish = [ "fish" ];
  git = [ "git" ];
  gnupg = [
    "gpg"
    "gpgconf"
    "gpgv"
  ];
  gnutar = [ "tar" ];
  gptfdisk = [ "sgdisk" ];
  groff = [ "groff" ];
  gzip = [ "gzip" ];
  imagemagick = [
    "convert"
    "identify"
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
  openssh = [
    "sftp"
    "ssh"
    "ssh-agent"
    "ssh-keygen"
  ];
  openssl = [ "openssl" ];
  osslsigncode = [ "osslsigncode" ];
  p7zip = [ "7z" ];
  podman = [ "podman" ];
  procps = [ "ps" ];
  qemu-user = [ "qemu-aarch64" ];
  qemu-utils = [ "qemu-img" ];
  rpm = [
    "rpm"
    "rpm2cpio"
    "rpmbuild"
    "rpmkeys"
  ];
  ruby = [ "ruby" ];
  runc = [ "runc" ];
  sequoia-sqv = [ "sqv" ];
  setools = [
    "seinfo"
    "sesearch"
  ];
  shellcheck = [ "shellcheck" ];
  skopeo = [ "skopeo" ];
  sleuthkit = [
    "fls"
    "fsstat"
    "icat"
  ];
  softhsm = [ "softhsm2-util" ];
  squashfs-tools-ng = [ "rdsquashfs" ];
  squashfsTools = [ "unsquashfs" ];
  strace = [ "strace" ];
  systemd = [
    "systemd-analyze"
    "systemd-nspawn"
  ];
  umoci = [ "umoci" ];
  unzip = [
    "unzip"
    "zipinfo"
  ];
  util-linux = [
    "mount"
    "nsenter"
    "setpriv"
    "sfdisk"
    "unshare"
  ];
  xorg-server = [ "Xvfb" ];
  xz = [ "xz" ];
  zsh = [ "zsh" ];
  zstd = [ "zstd" ];
}
