{
  description = "A stand-in for nixpkgs: the part that the flake uses, over the programs of a Debian machine";

  outputs =
    { self }:
    {
      lib = import ./lib // {
        nixosSystem = import ./nixos {
          inherit (self) lib;
          packagesOf = self.legacyPackages;
        };
      };
      legacyPackages = (import ./lib).genAttrs [ "x86_64-linux" "aarch64-linux" ] (
        system: import ./. { inherit system; }
      );
    };
}
