#!/usr/bin/env bash
# The whole suite under the Thread and the Address Sanitizer (with leaks).
source .ci/lib.sh
# Swift's backtracer waits for ever for a process that the Thread Sanitizer ends while it crashes.
export SWIFT_BACKTRACE=enable=no
checked timeout 1500 swift test --sanitize=thread --scratch-path .build-tsan
checked timeout 1500 swift test --sanitize=address --scratch-path .build-asan
