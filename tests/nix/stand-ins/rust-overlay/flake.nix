{
  description = "A stand-in for rust-overlay: the compiler that rustup installed on this machine";

  inputs.nixpkgs = { };

  outputs = _: { overlays.default = import ./.; };
}
