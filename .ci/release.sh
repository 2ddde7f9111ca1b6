#!/usr/bin/env bash
# The tests as users build them: optimised; only there are allocations counted.
source .ci/lib.sh
checked timeout 1200 swift test -c release --scratch-path .build-release
