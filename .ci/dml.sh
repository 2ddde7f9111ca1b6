#!/usr/bin/env bash
# The tests of the DML mover with the package trait DML on, as it is with libdml: on a library that
# the test double is made into, and on the real one if it is here.
#
# The real one is what pkg-config knows as `dml` (PKG_CONFIG_PATH may say where), or what is built
# from DML_SOURCE, a checkout of github.com/intel/DML.
source .ci/lib.sh
[ "$(uname -m)" = x86_64 ] || { echo "SKIPPED: libdml is for x86-64 only"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
double=Tests/CDMLDouble

pc_file() { # prefix version
  mkdir -p "$1/lib/pkgconfig"
  cat >"$1/lib/pkgconfig/dml.pc" <<PC
Name: dml
Description: Intel Data Mover Library
Version: $2
Libs: -L$1/lib -ldml
Cflags: -I$1/include
PC
}

test_on() { # name scratch
  echo "--- trait DML on $1"
  checked swift build --build-tests --traits DML --scratch-path "$2"
  checked timeout 900 swift test --skip-build --traits DML --scratch-path "$2" \
    --filter 'DML|CopyFile'
  echo "--- trait DML on $1: passed"
}

clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
mkdir -p "$work/double/lib"
cp -r "$double/include" "$double/libdml/dml" "$work/double/"
mv "$work/double/dml" "$work/double/include/"
"$clang" -std=gnu11 -O2 -Wall -Wextra -Werror -fPIC -I"$double/include" \
  -c "$double/CDMLDouble.c" -o "$work/double.o"
ar rc "$work/double/lib/libdml.a" "$work/double.o"
pc_file "$work/double" 0.0.0
PKG_CONFIG_PATH=$work/double/lib/pkgconfig test_on "the TEST DOUBLE" .build-dml-double

if [ -n "${DML_SOURCE:-}" ] && install_for cmake cmake && install_for g++ g++; then
  cmake -S "$DML_SOURCE" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DDML_BUILD_TESTS=OFF \
    -DDML_BUILD_EXAMPLES=OFF -DCMAKE_INSTALL_PREFIX="$work/real" >"$work/log" 2>&1 &&
    cmake --build "$work/build" --parallel 2 --target install >>"$work/log" 2>&1 ||
    { tail -20 "$work/log"; exit 1; }
  pc_file "$work/real" 1.1.1
  export PKG_CONFIG_PATH=$work/real/lib/pkgconfig
fi
if install_for pkg-config pkg-config >/dev/null && version=$(pkg-config --modversion dml 2>/dev/null); then
  test_on "the REAL libdml $version" .build-dml
else
  echo "SKIPPED: the trait DML on the real libdml, which is not here (docs/dml.md tells how to build it)"
fi
