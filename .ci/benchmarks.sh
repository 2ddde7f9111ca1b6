#!/usr/bin/env bash
# That the benchmarks build and run; their figures on a busy machine mean nothing.
source .ci/lib.sh
checked swift build -c release --package-path Tests/Benchmarks
timeout 900 swift run -c release --package-path Tests/Benchmarks Benchmarks --quick
