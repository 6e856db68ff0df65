# Shared by the scripts of this folder; sourced, never run.
# shellcheck shell=bash disable=SC2034

repo_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=$repo_dir/build
deps_dir=${SWEETSPOT_DEPS_DIR:-$repo_dir/.deps}
llama_prefix=$deps_dir/llama
# The prefix appears under its name only when whole, and this says which packages are in it.
llama_stamp=$llama_prefix/packages.txt
llama_packages=(libllama-dev llama.cpp-tools llama.cpp-tools-extra libggml0-backend-rpc)
own_llama_remedy="install llama.cpp yourself and name its prefix in CMAKE_PREFIX_PATH (docs/install.md)"

say() { printf '%s\n' "$*" >&2; }

# fail STEP WHAT REMEDY: every set-up failure names the three and ends here.
fail() {
  say "sweetspot set-up failed while $1: $2."
  say "What to do: $3."
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# lacking_packages PACKAGE...: those of them that the private llama.cpp does not have.
lacking_packages() {
  local package
  for package in "$@"; do
    grep -q "^$package " "$llama_stamp" 2>/dev/null || printf '%s\n' "$package"
  done
}

# configure PRESET: quiet but for the llama.cpp that was found; says all where it fails.
configure() {
  local preset=$1 log
  shift
  log=$(mktemp)
  (cd "$repo_dir" && cmake --preset "$preset" -DSWEETSPOT_LLAMA_PREFIX="$llama_prefix" "$@") >"$log" 2>&1 || {
    cat "$log" >&2
    rm -f "$log"
    fail "configuring the build" "cmake did not succeed (what it said is above)" \
      "mend what its message names; docs/install.md lists what is needed; 'make clean' starts over"
  }
  sed -n 's/^-- Using \(llama.cpp\)/\1/p' "$log" >&2
  rm -f "$log"
}
