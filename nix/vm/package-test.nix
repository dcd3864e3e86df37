# Makes one test of a package in a guest that is not NixOS.
{
  pkgs,
  packages,
  guests,
}:
{
  name,
  format,
  image,
  extra,
}:
let
  inherit (builtins.fromTOML (builtins.readFile ../../tests/vm/commands.toml)) folder;
  inherit (formats.${format}) extension artifacts constants;
  formats = import ./formats.nix;

  disk = import ./disk.nix { inherit pkgs; } {
    inherit name extension;
    artifacts = map (row: {
      inherit (row) name upgrade;
      package = packages.${row.artifact};
    }) artifacts;
    server = packages.wats-test-server;
  };

  # systemd may run what is in /usr/local/bin under SELinux, but not what is in /opt.
  unpack = "mkdir -p ${folder} && tar --extract --file /dev/disk/by-id/virtio-handed --directory ${folder} && install ${folder}/wats-test-server /usr/local/bin/";

  testName = "vm-${format}-${name}";
  test = guests.${image.distribution}.${image.release} (
    extra
    // {
      testScript = import ./script.nix {
        scenario = ../../tests/vm/package.py;
        constants = constants // {
          GUEST = name;
          FORMAT = format;
          OUTSIDE = false;
          THOROUGH = true;
          SERVER = "/usr/local/bin/wats-test-server";
          # A port of HTTP: SELinux lets the service connect to no other.
          LISTEN = "127.0.0.1:8008";
          SERVER_URL = "http://127.0.0.1:8008";
          RECORDS = "/var/tmp/wats-reports";
          REPORT = "${folder}/report.json";
          PREPARE = "${unpack} && ${constants.PREPARE}";
        };
      };
    }
  );
in
{
  name = testName;
  value = test.sandboxed.overrideAttrs (_: {
    name = testName;
    # The start script of the guest adds this to QEMU's arguments. The BIOS boots from IDE, which is where the
    # image is, before virtio.
    QEMU_OPTS = "-drive file=${disk},format=raw,if=none,id=handed,readonly=on,snapshot=off -device virtio-blk-pci,drive=handed,serial=handed";
  });
}
