#!/usr/bin/env bash
# Says what this is run with.
source .ci/lib.sh
swift --version
uname -srm
nproc
