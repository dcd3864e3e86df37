# Fails if: a scenario asks the test driver for something that it does not have, or does not say when it fails.
{
  python3,
  runCommand,
  sources,
}:
runCommand "scenario-types"
  {
    nativeBuildInputs = [ (python3.withPackages (packages: [ packages.mypy ])) ];
  }
  ''
    python3 ${sources.scenarios}/tests/vm/check_types.py
    touch $out
  ''
