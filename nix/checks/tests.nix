# Every test of the sources: the client against a test server on the loopback interface, the only network here.
{
  craneLib,
  workspace,
  util-linux,
}:
craneLib.cargoTest (
  workspace
  // {
    # setpriv takes rights away where a test needs to lack them.
    nativeBuildInputs = [ util-linux ];
    # This one needs root and two accounts, which there are not in a sandbox. `cargo xtask test` runs it.
    cargoTestExtraArgs = "-- --skip without_leases";
  }
)
