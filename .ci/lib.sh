# Shared by the steps: `source .ci/lib.sh`.
set -euo pipefail

# Runs a command, shows what it prints, and fails if it fails, or if a compiler, a linker, the
# package manager or a sanitizer warned.
checked() {
  local log
  log=$(mktemp)
  if ! "$@" 2>&1 | tee "$log"; then
    rm -f "$log"
    return 1
  fi
  if grep -E '^([^ ]+:[0-9]+:[0-9]+: |[^ ]*ld[^ ]*: )?(warning|error): |^WARNING: ' "$log" >&2; then
    echo "'$*' printed warnings" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# Installs Debian packages, if it can; says aloud which command is missing if it cannot.
install_for() { # command package...
  local command=$1
  shift
  if command -v "$command" >/dev/null; then return 0; fi
  if command -v apt-get >/dev/null && { apt-get install -y -q "$@" >/dev/null 2>&1 \
    || { apt-get update -q >/dev/null 2>&1 && apt-get install -y -q "$@" >/dev/null 2>&1; }; }; then
    return 0
  fi
  echo "SKIPPED: '$command' is not here and could not be installed ($*)"
  return 1
}
