#!/usr/bin/env bash
# The whole suite under the Thread and the Address Sanitizer (with leaks).
source .ci/lib.sh
checked timeout 1500 swift test --sanitize=thread --scratch-path .build-tsan
checked timeout 1500 swift test --sanitize=address --scratch-path .build-asan
