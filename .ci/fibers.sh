#!/usr/bin/env bash
# What issue 3 shows beyond `swift test`. A person can run it alone: .ci/fibers.sh [step ...]
# Steps: switch aarch64 code allocations examples million mprotect backtrace variants
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sources="Sources/CFibers/first_frame.c Sources/CFibers/hooks.c"

say() { printf '== %s\n' "$*"; }

need() { # command, package
  command -v "$1" >/dev/null && return
  say "installing $2"
  apt-get install -y -qq "$2" >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get install -y -qq "$2" >/dev/null; }
}

step_switch() { # The switch in C, natively, at several levels of optimisation.
  for level in -O0 -O1 -O2 -O3 "-O2 -fomit-frame-pointer"; do
    # shellcheck disable=SC2086
    clang -std=gnu17 -Wall -Wextra -Werror $level -ISources/CFibers/include \
      .ci/fibers/switch_test.c $sources -lpthread -o "$work/native"
    "$work/native" >/dev/null || { echo "failed at $level"; exit 1; }
  done
  say "switch: native, five levels of optimisation"
}

step_aarch64() { # The same, cross-compiled, under user-mode emulation.
  need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
  [ -d /usr/aarch64-linux-gnu/include ] || need no-such-command libc6-dev-arm64-cross
  need qemu-aarch64 qemu-user
  for level in -O0 -O1 -O2 -O3 "-O2 -mbranch-protection=standard" "-O2 -march=armv8.2-a+sve"; do
    # shellcheck disable=SC2086
    aarch64-linux-gnu-gcc -std=gnu17 -Wall -Wextra -Werror $level -static \
      -ISources/CFibers/include .ci/fibers/switch_test.c $sources -lpthread -o "$work/arm"
    timeout 60 qemu-aarch64 "$work/arm" >/dev/null || { echo "failed at $level"; exit 1; }
  done
  # The switch is inlined where it is used, not only in the first frame.
  aarch64-linux-gnu-objdump -d "$work/arm" >"$work/arm.s"
  [ "$(grep -cE 'br[[:space:]]+x10' "$work/arm.s")" -ge 3 ] || { echo "no inline switch"; exit 1; }
  say "switch: aarch64 under emulation, six sets of flags"
}

step_code() { # The generated code of a yield: the switch inline, no call that allocates or retains.
  swift build -c release --product counter-async 2>&1 | tail -1
  code=$(objdump -d --no-show-raw-insn .build/release/counter-async |
    awk '/^[0-9a-f]+ <\$s6Fibers5FiberV.*5yieldyy.*>:/,/^$/')
  grep -q 'jmp    \*0x8(%rsi)' <<<"$code" || { echo "the switch is not inline in yield"; exit 1; }
  if grep -E 'call.*(swift_(retain|release|allocObject|slowAlloc|beginAccess)|malloc)' <<<"$code"; then
    echo "a yield must not allocate, retain or begin an access"; exit 1
  fi
  say "yield: switch inline, nothing allocated or retained ($(wc -l <<<"$code") instructions)"
}

step_allocations() { # How many heap allocations each operation makes.
  swift build -c release --package-path Tests/Benchmarks --product fibers-allocations 2>&1 | tail -1
  Tests/Benchmarks/.build/release/fibers-allocations
}

step_examples() { # What the examples print.
  swift build -c release 2>&1 | tail -1
  for number in 0 1 2 3 4 5 6 7 8 9 10; do
    printf 'counter 1: %d\ncounter 2: %d\n' "$number" "$number"
  done >"$work/counters"
  .build/release/counter-async | cmp - "$work/counters"
  .build/release/custom-runtime >"$work/custom"
  head -22 "$work/custom" | cmp - "$work/counters"
  .build/release/await-basic | grep 'child returned 144' >/dev/null
  if .build/release/million-fibers nonsense 2>/dev/null; then
    echo "million-fibers takes wrong arguments"; exit 1
  fi
  say "examples: as in the C original"
}

step_million() { # A million parked guarded fibers under the default limit of mappings.
  swift build -c release --product million-fibers 2>&1 | tail -1
  timeout 300 .build/release/million-fibers
}

step_mprotect() { # The same with the guards of old kernels fails near the limit, and says why.
  swift build -c release --product million-fibers 2>&1 | tail -1
  set +e
  timeout 300 .build/release/million-fibers --mprotect >"$work/out" 2>&1
  code=$?
  set -e
  cat "$work/out"
  [ $code -eq 1 ] && grep -q vm.max_map_count "$work/out" && grep -q 'have ended: true' "$work/out"
}

step_backtrace() { # A trap inside a fiber: its frames are shown and the backtrace ends. And an
  # overflow on the first thread: the report, then Swift's own handler, or the signal without it.
  mkdir -p "$work/trap/Sources/trap"
  cat >"$work/trap/Package.swift" <<PACKAGE
// swift-tools-version: 6.2
import PackageDescription
let package = Package(
  name: "trap", dependencies: [.package(name: "MiniAsync", path: "$PWD")],
  targets: [
    .executableTarget(
      name: "trap", dependencies: [.product(name: "Fibers", package: "MiniAsync")])
  ])
PACKAGE
  cat >"$work/trap/Sources/trap/trap.swift" <<'SOURCE'
import Fibers
@inline(never) func innermost(_ numbers: [Int]) -> Int { numbers[7] }
@inline(never) func outer() throws -> Int {
  try Fiber.yield()
  return innermost([1]) + 1
}
@inline(never) func dig(_ depth: Int) -> Int {
  var block = InlineArray<64, Int>(repeating: depth)
  block[depth % 64] = dig(depth + 1)
  return block[0] + block[depth % 64]
}
@main struct Main {
  static func main() throws {
    let digs = CommandLine.arguments.count > 1
    try Fiber.spawn(name: "digger") { digs ? dig(1) : try outer() }
    try Fiber.run()
  }
}
SOURCE
  swift build --package-path "$work/trap" 2>&1 | tail -1
  SWIFT_BACKTRACE=enable=yes,color=no,interactive=no timeout 60 \
    "$work/trap/.build/debug/trap" >"$work/out" 2>&1 || true  # it traps: that is the point
  for frame in innermost outer enterFiber cfib_first_frame; do
    grep -q "$frame" "$work/out" || { echo "no $frame in the backtrace"; cat "$work/out"; exit 1; }
  done
  if sed -n '/crashed:/,/^Registers/p' "$work/out" | grep -A3 ' cfib_first_frame ' |
    grep -E '^ *[0-9]+ ' | grep -v cfib_first_frame >/dev/null; then
    echo "the backtrace goes on after the first frame"; cat "$work/out"; exit 1
  fi
  for backtrace in enable=yes,color=no,interactive=no enable=no; do
    code=0
    SWIFT_BACKTRACE=$backtrace timeout 60 "$work/trap/.build/debug/trap" dig \
      >"$work/out" 2>&1 || code=$?
    grep -q "stack overflow in fiber 'digger' spawned at trap/trap.swift" "$work/out" ||
      { echo "no report of the overflow"; cat "$work/out"; exit 1; }
    [ $code -gt 128 ] || { echo "ended with $code, not by a signal"; exit 1; }
  done
  say "overflow on the first thread: reported, then handed over"
  say "backtrace: from the trap to the first frame of the fiber, and no further"
}

step_variants() { # The builds that compile-time switches give.
  swift build --scratch-path .build-nofp --product counter-async \
    -Xswiftc -DFIBERS_NO_FP_CONTROL 2>&1 | tail -1
  .build-nofp/debug/counter-async >/dev/null
  swift build --scratch-path .build-shstk --product counter-async \
    -Xcc -DCFIB_SHADOW_STACK=1 -Xswiftc -DFIBERS_SHADOW_STACK 2>&1 | tail -1
  objdump -d .build-shstk/debug/counter-async >"$work/shstk.s"
  [ "$(grep -c rstorssp "$work/shstk.s")" -ge 2 ] || { echo "no shadow stack switch"; exit 1; }
  if grep -q user_shstk /proc/cpuinfo; then
    GLIBC_TUNABLES=glibc.cpu.x86_shstk=on .build-shstk/debug/counter-async >/dev/null ||
      say "shadow stacks: the CPU has them, this C library or kernel does not"
  elif .build-shstk/debug/counter-async >"$work/out" 2>&1 || ! grep -q "no user shadow stack" "$work/out"; then
    echo "must refuse where there are no shadow stacks"; cat "$work/out"; exit 1
  fi
  say "variants: without FP control words; with shadow stacks, refused where there are none"
}

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(switch aarch64 code allocations examples million mprotect backtrace variants)
for step in "${steps[@]}"; do "step_$step"; done
