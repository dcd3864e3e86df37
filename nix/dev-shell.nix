# A shell with the programs that `cargo xtask test` takes from Debian elsewhere. lintian and rpmlint are not among
# them, as nixpkgs does not have them: the suite `formats` says so.
{
  mkShell,
  runCommand,
  stdenv,

  rustToolchain,
  mingw,

  binutils,
  cabextract,
  coreutils,
  cpio,
  dpkg,
  fish,
  git,
  gnutar,
  groff,
  gzip,
  libarchive,
  mandoc,
  mmdebstrap,
  msitools,
  nix,
  openssl,
  osslsigncode,
  p7zip,
  procps,
  python3,
  qemu-user,
  rpm,
  shellcheck,
  systemd,
  unzip,
  util-linux,
  wine64,
  zsh,
}:
let
  # The names that Debian gives to what nixpkgs calls otherwise.
  alias =
    name: program:
    runCommand name { passthru.programs = [ name ]; } ''
      mkdir -p $out/bin
      ln -s ${program} $out/bin/${name}
    '';

  programs = [
    rustToolchain
    stdenv.cc
    mingw
    binutils
    cabextract
    coreutils
    cpio
    dpkg
    fish
    git
    gnutar
    groff
    gzip
    libarchive
    mandoc
    mmdebstrap
    msitools
    nix
    openssl
    osslsigncode
    p7zip
    procps
    python3
    rpm
    shellcheck
    systemd
    unzip
    util-linux
    wine64
    zsh
    (alias "qemu-aarch64-static" "${qemu-user}/bin/qemu-aarch64")
  ];
in
mkShell {
  packages = programs;
  passthru = { inherit programs; };
  # `cargo xtask dist` looks for what rustup would bring; here the compiler has every target.
  shellHook = ''
    echo "Rust, and everything cargo xtask test uses. Start with: cargo xtask test --list"
  '';
}
