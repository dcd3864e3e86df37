# A package that is nothing but links to programs of the machine. A program that is missing fails the build that
# wants the package.
final: name: programs:
final.runCommand "host-${name}"
  {
    passthru = { inherit programs; };
    meta.mainProgram = builtins.head programs;
  }
  ''
    mkdir -p $out/bin
    PATH=$PATH:${final.lib.concatMapStringsSep ":" toString final.standInMachine.programs}
    for program in ${toString programs}; do
      file=$(type -P "$program") || { echo "this machine has no $program, which ${name} would bring" >&2; exit 1; }
      ln -s "$file" $out/bin/
    done
  ''
