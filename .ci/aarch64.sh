#!/usr/bin/env bash
# The C targets for the other architecture: they must compile without a warning.
source .ci/lib.sh
headers=/usr/aarch64-linux-gnu/include
[ -d "$headers" ] || install_for "$headers" libc6-dev-arm64-cross || exit 0
clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
for file in Sources/CMiniAsync/*.c Sources/CVDM/*.c; do
  "$clang" --target=aarch64-linux-gnu -isystem "$headers" -std=gnu11 -O2 -Wall -Wextra -Werror \
    -I"$(dirname "$file")/include" -c "$file" -o /dev/null
  echo "$file compiles for aarch64"
done
