# The appliance as whole machines: their images are `config.system.build.images`.
{ self, nixpkgs, ... }:
let
  inherit (nixpkgs) lib;
  appliance =
    hostPlatform:
    lib.nixosSystem {
      modules = [
        self.nixosModules.appliance
        {
          nixpkgs = { inherit hostPlatform; };
          system.stateVersion = "26.05";
          # What no image has said yet, so that the machine can be evaluated by itself: an image's own are stronger.
          fileSystems."/" = {
            device = lib.mkDefault "/dev/disk/by-label/nixos";
            fsType = lib.mkDefault "ext4";
          };
          boot.loader.grub.devices = lib.mkOptionDefault [ "nodev" ];
        }
      ];
    };
in
{
  appliance = appliance "x86_64-linux";
  appliance-arm64 = appliance "aarch64-linux";
}
