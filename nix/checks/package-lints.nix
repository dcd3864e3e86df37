# What other people's programs say of the packages. The test bench (`cargo xtask test formats`) asks more of them,
# and it asks lintian and rpmlint, which nixpkgs does not have.
{
  lib,
  runCommand,
  artifacts,
  dpkg,
  msitools,
  rpm,
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
    tools = [ dpkg ];
    command = ''
      dpkg-deb --info $folder/*.deb
      dpkg-deb --contents $folder/*.deb
    '';
  };
  rpmFile = lint {
    tools = [ rpm ];
    command = ''
      rpm --dbpath $TMPDIR --checksig --nosignature $folder/*.rpm
      rpm --dbpath $TMPDIR --query --nosignature --info --list --package $folder/*.rpm
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
