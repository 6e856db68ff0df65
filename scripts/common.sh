# Shared by the scripts of this folder; sourced, never run.
# shellcheck shell=bash disable=SC2034

repo_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=$repo_dir/build
deps_dir=${SWEETSPOT_DEPS_DIR:-$repo_dir/.deps}
llama_prefix=$deps_dir/llama

say() { printf '%s\n' "$*" >&2; }

# fail STEP WHAT REMEDY: every set-up failure names the three and ends here.
fail() {
  say "sweetspot set-up failed while $1: $2."
  say "What to do: $3."
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }
