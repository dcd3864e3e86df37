# What other people's programs say of the packages. The test bench (`cargo xtask test formats`) asks more of them.
{
  lib,
  runCommand,
  artifacts,
  lintian,
  msitools,
  rpm,
  rpmlint,
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
    tools = [ lintian ];
    command = "lintian --allow-root --fail-on error,warning $folder/*.deb";
  };
  rpmFile = lint {
    tools = [
      rpm
      rpmlint
    ];
    command = ''
      rpm --dbpath $TMPDIR --checksig --nosignature $folder/*.rpm
      rpmlint --config ${../../packaging/rpm/rpmlint.toml} $folder/*.rpm
    '';
  };
  msi = lint {
    tools = [ msitools ];
    command = ''
      msiinfo suminfo $folder/*.msi
      msiinfo export $folder/*.msi Property | grep -q 'E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A'
    '';
  };
in
lib.mapAttrs' (name: check: lib.nameValuePair "lint-${name}" (check name)) {
  deb-amd64 = deb;
  deb-arm64 = deb;
  rpm-x86_64 = rpmFile;
  rpm-aarch64 = rpmFile;
  inherit msi;
}
