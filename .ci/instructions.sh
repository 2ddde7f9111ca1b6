#!/usr/bin/env bash
# The instructions of each hot path, counted by valgrind, against Tests/Benchmarks/instructions.txt:
# finds what became slower without timing anything.
#
#   .ci/instructions.sh            compares; fails when a path takes over 3 % (and 2) more than kept
#   .ci/instructions.sh --update   measures and keeps
#   .ci/instructions.sh --profile NAME   where the instructions of one path are
#
# Each path is run N and 2N times. The difference, divided by N, is what it takes once: start-up and
# warm-up are in both.
cd "$(dirname "$0")/.."
source .ci/lib.sh
kept=Tests/Benchmarks/instructions.txt
count=10000

install_for valgrind valgrind || exit 0
checked swift build -c release --package-path Tests/Benchmarks --product hot-paths
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Valgrind reads names, but not the debug information of a new compiler.
strip -g -o "$work/hot-paths" Tests/Benchmarks/.build/release/hot-paths

instructions() { # name, repetitions
  local log
  log=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/hot-paths" "$1" "$2" 2>&1) ||
    { echo "$1: $log" >&2; return 1; }
  sed -n 's/.*Collected : //p' <<<"$log"
}

measure() { # name
  local once twice
  once=$(instructions "$1" $count) && twice=$(instructions "$1" $((2 * count))) || return 255
  awk -v name="$1" -v n=$count -v d=$((twice - once)) 'BEGIN { printf "%s  %.1f\n", name, d / n }'
}

if [ "${1:-}" = --profile ]; then
  valgrind --tool=callgrind --dump-instr=yes --callgrind-out-file="$work/profile" \
    "$work/hot-paths" "$2" 100000 >/dev/null 2>&1
  callgrind_annotate "$work/profile" | swift demangle --simplified | sed -n '/Ir/,$p' | head -40
  exit
fi

export -f instructions measure
export work count
"$work/hot-paths" | xargs -P "$(nproc)" -I NAME bash -c 'measure NAME' | sort >"$work/measured"

compiler="$(swift --version 2>/dev/null | head -1), $(uname -m)"
if [ "${1:-}" = --update ]; then
  {
    echo "# Instructions that each hot path takes, start-up not counted. Checked by .ci/instructions.sh;"
    echo "# renewed by .ci/instructions.sh --update, when a change is meant. Counted with:"
    echo "# $compiler"
    cat "$work/measured"
  } >"$kept"
  cat "$kept"
  exit
fi

same=1
if ! grep -qxF "# $compiler" "$kept"; then
  same=0
  echo "warning only: $kept was counted with another compiler than $compiler"
fi
awk -v same=$same '
  FNR == NR { if ($1 !~ /^#/) kept[$1] = $2; next }
  FNR == 1 { printf "%-26s %10s %10s\n", "instructions", "kept", "now" }
  {
    verdict = ""
    if (!($1 in kept)) { verdict = "NEW: renew the file"; bad = 1 }
    else if ($2 > kept[$1] * 1.03 && $2 > kept[$1] + 2) { verdict = "MORE"; bad = 1 }
    else if ($2 < kept[$1] * 0.97) verdict = "less: renew the file"
    printf "%-26s %10s %10s  %s\n", $1, kept[$1], $2, verdict
    seen[$1] = 1
  }
  END {
    for (name in kept) if (!(name in seen)) { print name ": is not measured any more"; bad = 1 }
    if (bad && same) print "Mend it, or say why and run .ci/instructions.sh --update"
    exit bad && same
  }' "$kept" "$work/measured"
