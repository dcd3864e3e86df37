{
  description = "A stand-in for crane: the calls that the flake makes, over the cargo of the machine";

  outputs = _: { mkLib = pkgs: import ./lib.nix { inherit pkgs; }; };
}
