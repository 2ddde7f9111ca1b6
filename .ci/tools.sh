#!/usr/bin/env bash
# Says what this is run with.
source .ci/lib.sh
swift --version
uname -srm
nproc

# What the tests of PMem2 compare with, opened at run time. Without it they say that they skip that.
if ! ldconfig -p | grep -q libpmem2.so.1; then
  install_for libpmem2.so.1 libpmem2-dev || true
fi
