{
  description = "A stand-in for nixpkgs: the part that the flake uses, over the programs of a Debian machine";

  outputs = _: {
    lib = import ./lib;
    legacyPackages = (import ./lib).genAttrs [ "x86_64-linux" "aarch64-linux" ] (
      system: import ./. { inherit system; }
    );
  };
}
