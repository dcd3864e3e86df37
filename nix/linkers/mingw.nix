# Links with GNU ld and mingw-w64.
{
  lib,
  pkgsCross,
  mingw,
  channel,
}:
target:
let
  underscored = lib.replaceStrings [ "-" ] [ "_" ] target;
  compiler = "${mingw}/bin/${mingw.targetPrefix}";
  # Everything that Windows 10 and Server 2016 have in System32. A library beside these would have to be shipped.
  libraries = [
    "advapi32.dll"
    "api-ms-win-core-synch-l1-2-0.dll"
    "bcrypt.dll"
    "bcryptprimitives.dll"
    "crypt32.dll"
    "kernel32.dll"
    "msi.dll"
    "msvcrt.dll"
    "ntdll.dll"
    "ole32.dll"
    "secur32.dll"
    "shell32.dll"
    "user32.dll"
    "userenv.dll"
    "ws2_32.dll"
  ];
in
{
  description = "rustc ${channel}, std of rust-overlay, gcc ${lib.getVersion mingw} (mingw-w64, win32 threads)";
  rustflags = [
    # The time of linking stays out of the PE header.
    "-Clink-arg=-Wl,--no-insert-timestamp"
    # rustc names libpthread.a on every command line. Nothing of it is used, but it has to be found.
    "-Lnative=${pkgsCross.mingwW64.windows.pthreads}/lib"
  ];
  cargoBuildCommand = "cargo build --release";
  nativeBuildInputs = [ ];
  env = {
    "CARGO_TARGET_${lib.toUpper underscored}_LINKER" = "${compiler}cc";
    "CC_${underscored}" = "${compiler}cc";
    "AR_${underscored}" = "${compiler}ar";
  };
  # rustc looks for dlltool by its name. The compiler is no build input: its hooks would make it the one for
  # build scripts as well.
  preBuild = ''
    export PATH=$PATH:${mingw.bintools}/bin
  '';
  postInstall = ''
    for program in $out/bin/*; do
      for library in $(${mingw.bintools}/bin/${mingw.targetPrefix}objdump -p "$program" | sed -n 's/.*DLL Name: //p' | tr A-Z a-z); do
        case " ${toString libraries} " in
          *" $library "*) ;;
          *) echo "$program needs $library, which Windows does not have" >&2; exit 1 ;;
        esac
      done
    done
  '';
}
