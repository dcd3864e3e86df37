# The phases of a build, as nixpkgs' stdenv runs them.
set -o pipefail
export HOME=/homeless-shelter TZ=UTC NIX_BUILD_CORES=${NIX_BUILD_CORES:-1}
# The compiler of this machine, which a build for another one must not take for its own.
export AR=ar AS=as CC=gcc CXX=g++ LD=ld NM=nm OBJCOPY=objcopy OBJDUMP=objdump RANLIB=ranlib STRIP=strip
cd "$NIX_BUILD_TOP"

runHook() {
    local hook=$1
    if [ "$(type -t "$hook")" = function ]; then "$hook"; elif [ -n "${!hook-}" ]; then eval "${!hook}"; fi
}

if [ -n "${buildCommandPath-}" ]; then buildCommand=$(<"$buildCommandPath"); fi
if [ -n "${buildCommand-}" ]; then
    eval "$buildCommand"
    exit 0
fi

if [ -n "${src-}" ]; then
    # Without the hash of the store path: `source`.
    folder=$(basename "$src" | cut -c34-)
    cp -r --no-preserve=mode,ownership "$src" "$folder"
    cd "$folder"
fi
runHook prePatch
runHook postPatch
for phase in configurePhase buildPhase ${doCheck:+checkPhase} installPhase; do
    echo "Running phase: $phase"
    runHook "$phase"
done
