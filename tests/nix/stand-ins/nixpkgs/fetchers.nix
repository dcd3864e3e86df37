# What nixpkgs would download lies in folders of the machine, and is held to the same hashes.
{ final, machine }:
{
  fetchPypi =
    {
      pname,
      version,
      format,
      dist,
      python,
      platform,
      sha256,
    }:
    assert format == "wheel" && dist == "py3" && python == "py3";
    let
      file = "${pname}-${version}-py3-none-${platform}.whl";
    in
    final.runCommand file { } ''
      echo "${sha256}  ${machine.wheels}/${file}" | sha256sum --check --quiet
      cp ${machine.wheels}/${file} $out
    '';
}
