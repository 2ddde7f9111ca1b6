#!/usr/bin/env bash
# Every example as a user runs it, with the first command of README.md.
source .ci/lib.sh
for example in basic basic-async async-await hashmap pmem2-copy pmem2-log; do
  echo "--- $example"
  checked timeout 300 swift run "$example"
done
checked timeout 600 swift run -c release copy-file
