# What other people's programs say of the packages. The acceptance bench (`cargo xtask test formats`) asks more of them,
# and it asks lintian and rpmlint, which nixpkgs does not have.
{
  lib,
  runCommand,
  artifacts,
  dpkg,
  gzip,
  mandoc,
  msitools,
  rpm,
  shellcheck,
}:
let
  lint =
    { tools, command }:
    name:
    runCommand "lint-${name}"
      {
        nativeBuildInputs = tools;
        folder = artifacts.${name};
      }
      ''
        export HOME=$TMPDIR
        ${command}
        touch $out
      '';

  deb = lint {
    tools = [
      dpkg
      gzip
      mandoc
      shellcheck
    ];
    command = ''
      dpkg-deb --raw-extract $folder/*.deb tree
      shellcheck --shell sh tree/DEBIAN/{postinst,prerm,postrm}
      gzip --decompress tree/usr/share/man/man1/*.gz
      mandoc -T lint -W error tree/usr/share/man/man1/*.1
    '';
  };
  rpmFile = lint {
    tools = [
      rpm
      shellcheck
    ];
    command = ''
      rpm="rpm --dbpath $TMPDIR"
      $rpm --checksig --nosignature $folder/*.rpm
      for tag in PREIN POSTIN PREUN POSTUN; do
        $rpm --query --nosignature --package --queryformat "%{$tag}\n" $folder/*.rpm > $tag
        shellcheck --shell sh $tag
      done
    '';
  };
  msi = lint {
    tools = [ msitools ];
    command = ''
      msiinfo suminfo $folder/*.msi
      # Through a file: at the end of a pipe, grep would stop reading before msiinfo has written everything.
      msiinfo export $folder/*.msi Property > properties
      grep -q 'E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A' properties
    '';
  };

  linters = {
    inherit deb msi;
    rpm = rpmFile;
  };
in
lib.mapAttrs' (name: artifact: lib.nameValuePair "lint-${name}" (linters.${artifact.format} name)) (
  lib.filterAttrs (_: artifact: linters ? ${artifact.format}) artifacts
)
