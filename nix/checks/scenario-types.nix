# Fails if: a scenario asks the test driver for something that it does not have.
{
  runCommand,
  mypy,
  sources,
}:
runCommand "scenario-types" { nativeBuildInputs = [ mypy ]; } ''
  cp -r ${sources.scenarios}/tests/vm scenarios
  chmod -R u+w scenarios
  cd scenarios
  mypy --strict .
  touch $out
''
