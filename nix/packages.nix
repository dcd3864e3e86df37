# Everything `nix build .#NAME` makes.
scope:
let
  inherit (scope.pkgs) lib stdenv;
  clients = lib.mapAttrs' (target: client: lib.nameValuePair "client-${target}" client) scope.clients;
in
clients
// scope.artifacts
// {
  inherit (scope) all packager xtask;
  "client-${stdenv.hostPlatform.rust.rustcTarget}" = scope.nativeClient;
  pywats-client = scope.nativeClient;
  wats-test-server = scope.testServer;
  default = scope.nativeClient;
}
