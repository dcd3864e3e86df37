# A shell with the programs that `cargo xtask test` takes from Debian elsewhere. lintian, rpmlint and the programs of
# libqcow, libvhdi and libvmdk are not among them, as nixpkgs does not have them: the suites `formats` and `unit` say so.
# Nor is a browser, which is large: the suite `evidence` takes the machine's. Nor is newuidmap, to which only the
# machine can give root's rights. wine is there on x86_64 only.
{
  lib,
  mkShell,
  runCommand,
  stdenv,

  cargoDist,
  rustToolchain,
  zig,

  appstream,
  apt,
  binutils,
  cabextract,
  coreutils,
  cpio,
  createrepo_c,
  curl,
  dash,
  desktop-file-utils,
  distribution,
  dmg2img,
  dnf4,
  dpkg,
  e2fsprogs,
  fish,
  git,
  gnupg,
  gnutar,
  gptfdisk,
  groff,
  gzip,
  imagemagick,
  libarchive,
  mandoc,
  mmdebstrap,
  msitools,
  nix,
  opensc,
  openssh,
  openssl,
  osslsigncode,
  p7zip,
  podman,
  procps,
  python3,
  qemu-user,
  qemu-utils,
  rpm,
  ruby,
  runc,
  sequoia-sqv,
  setools,
  shellcheck,
  skopeo,
  sleuthkit,
  softhsm,
  squashfs-tools-ng,
  squashfsTools,
  strace,
  systemd,
  umoci,
  unzip,
  util-linux,
  wineWow64Packages,
  xorg-server,
  xz,
  zsh,
  zstd,
}:
let
  # A program by the name that Debian gives it.
  alias =
    name: program:
    runCommand name { passthru.programs = [ name ]; } ''
      mkdir -p $out/bin
      ln -s ${program} $out/bin/${name}
    '';

  # The tests compile small programs for Wine with the compiler that Debian has. zig's takes the same arguments; the
  # first program takes a minute longer, as the C library is compiled for it.
  mingwGcc =
    runCommand "x86_64-w64-mingw32-gcc" { passthru.programs = [ "x86_64-w64-mingw32-gcc" ]; }
      ''
        mkdir -p $out/bin
        printf '#!/bin/sh\nexec %s cc -target x86_64-windows-gnu "$@"\n' ${zig}/bin/zig > $out/bin/x86_64-w64-mingw32-gcc
        chmod +x $out/bin/x86_64-w64-mingw32-gcc
      '';

  programs = [
    rustToolchain
    cargoDist
    stdenv.cc
    appstream
    apt
    binutils
    cabextract
    coreutils
    cpio
    createrepo_c
    curl
    dash
    desktop-file-utils
    dmg2img
    dnf4
    dpkg
    e2fsprogs
    fish
    git
    gnupg
    gnutar
    gptfdisk
    groff
    gzip
    imagemagick
    libarchive
    mandoc
    mmdebstrap
    msitools
    nix
    opensc
    openssh
    openssl
    osslsigncode
    p7zip
    podman
    procps
    python3
    qemu-utils
    rpm
    ruby
    runc
    sequoia-sqv
    setools
    shellcheck
    skopeo
    sleuthkit
    softhsm
    squashfs-tools-ng
    squashfsTools
    strace
    systemd
    umoci
    unzip
    util-linux
    xorg-server
    xz
    zsh
    zstd
    (alias "docker-registry" "${distribution}/bin/registry")
    (alias "qemu-aarch64-static" "${qemu-user}/bin/qemu-aarch64")
    mingwGcc
  ]
  ++ lib.optional stdenv.hostPlatform.isx86_64 wineWow64Packages.stable;
in
mkShell {
  packages = programs;
  passthru = { inherit cargoDist programs; };
  shellHook = ''
    echo "Rust with every target, and what cargo xtask test uses but lintian, rpmlint, newuidmap and the programs of libqcow, libvhdi and libvmdk. cargo xtask test --list says more."
  '';
}
