{
  description = "A stand-in for nix-vm-test: the names of its guests, and nothing that boots";

  inputs.nixpkgs = { };

  outputs =
    { nixpkgs, ... }:
    let
      pkgs = import nixpkgs { system = "x86_64-linux"; };
      guest =
        distribution: version:
        {
          testScript,
          sharedDirs ? { },
          diskSize ? null,
          memorySize ? null,
          selinuxEnforcing ? false,
        }:
        let
          run =
            kind:
            pkgs.runCommand "vm-test-${distribution}-${version}-${kind}" {
              inherit
                testScript
                diskSize
                memorySize
                selinuxEnforcing
                ;
            } "echo 'the stand-in boots no machine' >&2; exit 1";
        in
        builtins.seq sharedDirs {
          sandboxed = run "sandboxed";
          driver = run "driver";
          driverInteractive = run "interactive";
        };
      guests = pkgs.lib.importJSON ./guests.json;
    in
    {
      lib.x86_64-linux = builtins.mapAttrs (
        distribution: versions: pkgs.lib.genAttrs versions (guest distribution)
      ) guests;
    };
}
