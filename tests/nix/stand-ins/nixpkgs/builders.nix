# Small builders.
{ lib, final }:
{
  runCommand =
    name: environment: command:
    final.stdenv.mkDerivation (
      environment
      // {
        inherit name;
        buildCommand = command;
        passAsFile = [ "buildCommand" ] ++ (environment.passAsFile or [ ]);
      }
    );

  writeText =
    name: text:
    final.stdenv.mkDerivation {
      inherit name text;
      buildCommand = "printf %s \"$text\" > $out";
    };

  writeShellApplication =
    {
      name,
      text,
      runtimeInputs ? [ ],
    }:
    final.stdenv.mkDerivation {
      inherit name;
      script = ''
        #!/bin/bash
        set -o errexit -o nounset -o pipefail
        export PATH="${lib.makeBinPath runtimeInputs}:$PATH"
        ${text}
      '';
      buildCommand = ''
        mkdir -p $out/bin
        printf %s "$script" > $out/bin/${name}
        chmod +x $out/bin/${name}
        bash -n $out/bin/${name}
      '';
      meta.mainProgram = name;
    };

  mkShell =
    arguments:
    final.stdenv.mkDerivation (
      removeAttrs arguments [ "shellHook" ]
      // {
        name = "shell";
        nativeBuildInputs = arguments.packages;
        buildCommand = "echo $PATH > $out";
      }
    );
}
