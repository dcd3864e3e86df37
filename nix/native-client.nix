# The client for NixOS: an ordinary program of this machine, linked with its C library.
{ craneLib, workspace }:
craneLib.buildPackage (
  workspace
  // {
    pname = "pywats-client";
    # With the features of the whole workspace, whose dependencies are compiled already.
    cargoExtraArgs = "--locked --workspace --bin pywats-client";
    # checks.tests runs them all, once.
    doCheck = false;
    postInstall = ''
      install -D --mode=644 --target-directory=$out/share/man/man1 packaging/man/*.1
      install -D --mode=644 packaging/completions/pywats-client.bash $out/share/bash-completion/completions/pywats-client
      install -D --mode=644 packaging/completions/_pywats-client $out/share/zsh/site-functions/_pywats-client
      install -D --mode=644 packaging/completions/pywats-client.fish $out/share/fish/vendor_completions.d/pywats-client.fish
    '';
    meta = {
      description = "Client service that uploads manufacturing test reports to a WATS server";
      mainProgram = "pywats-client";
    };
  }
)
