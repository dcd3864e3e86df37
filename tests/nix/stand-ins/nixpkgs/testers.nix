# Tests in virtual machines: their files are made, nothing is booted.
{ final }:
{
  testers.runNixOSTest =
    test:
    final.runCommand "vm-test-run-${test.name}" {
      inherit (test) testScript;
      nodes = builtins.attrNames test.nodes;
    } "echo 'the stand-in boots no machine' >&2; exit 1";
}
