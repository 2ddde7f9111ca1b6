#!/usr/bin/env bash
# The test command of README.md.
source .ci/lib.sh
checked swift build --build-tests
checked timeout 900 swift test
