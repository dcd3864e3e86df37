# Adds the client to somebody's nixpkgs: the one that this flake builds and tests, whatever nixpkgs that is.
self: final: _: {
  inherit (self.packages.${final.stdenv.hostPlatform.system}) pywats-client;
}
