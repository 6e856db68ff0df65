#!/usr/bin/env bash
# Runs the tests that depend on how ggml computes on the CPU (label cpu-backend) once on each of ggml's CPU
# backends: haswell, zen4, ... The private llama.cpp brings them all, and by itself only ever uses the best one.
#
#   scripts/test-cpu-backends.sh --list           which ones this processor can run
#   scripts/test-cpu-backends.sh [NAME...]        those, or all that it can run
#   scripts/test-cpu-backends.sh --another        one that `make test` has not run on this machine
#   ... -- -R parallel                            what follows -- goes to ctest instead of the label
#
# For each one it makes build/cpu-backends/NAME: llama.cpp's programs and backends as in the private prefix,
# with that one CPU backend. The programs must be built.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly prefixes=$build_dir/cpu-backends

# The folder in the private prefix that holds all backends.
backends_folder() {
  local folder
  for folder in "$llama_prefix"/usr/lib/*/ggml/backends*; do
    [[ ! -d $folder ]] || { printf '%s' "$folder" && return; }
  done
  fail "looking for ggml's CPU backends" "there is no private llama.cpp in $llama_prefix" \
    "run scripts/setup-llama.sh --add-vulkan, then the same command again"
}

# ggml looks beside the running program, which under an explicit loader is the loader: a copy of it in a
# folder of its own sees what lies there and nothing else.
make_prefix() {
  local name=$1 folder=$2 prefix=$prefixes/$1 loader backend
  rm -rf "$prefix"
  mkdir -p "$prefix/bin" "$prefix/usr/lib64"
  cp "$llama_prefix"/bin/* "$prefix/bin/"
  ln -s "$llama_prefix/usr/bin" "$prefix/usr/bin"
  ln -s "$llama_prefix/usr/lib" "$prefix/usr/lib"
  for loader in "$llama_prefix"/usr/lib64/ld-linux-*.so.*; do
    cp -L "$loader" "$prefix/usr/lib64/"
  done
  for backend in "$folder"/libggml-*.so; do
    case $backend in
      */libggml-cpu-"$name".so) ;;
      */libggml-cpu-*) continue ;;
    esac
    ln -s "$backend" "$prefix/usr/lib64/"
  done
}

on_backend() {
  local prefix=$prefixes/$1
  shift
  SWEETSPOT_GGML_BACKENDS_DIR=$prefix/usr/lib64 SWEETSPOT_LLAMA_PROGRAMS=$prefix/bin "$@"
}

# ggml itself says whether this processor has what a backend needs: without that there is no device CPU.
can_run() {
  local devices
  devices=$(on_backend "$1" "$build_dir/bin/sweetspot" devices --json 2>/dev/null) || true
  grep -q '"id": *"CPU"' <<<"$devices"
}

all_names() {
  local file
  for file in "$1"/libggml-cpu-*.so; do
    file=${file##*/libggml-cpu-}
    printf '%s\n' "${file%.so}"
  done
}

# What `make test` used is the best one that this processor can run; most processors have haswell.
another() {
  local best
  best=$("$llama_prefix/bin/llama-bench" --list-devices 2>&1 | sed -nE 's/.*libggml-cpu-([a-z0-9]+)\.so.*/\1/p')
  if [[ $best != *haswell* ]] && can_run haswell; then echo haswell; else echo x64; fi
}

runnable() {
  local name
  for name in "$@"; do
    if can_run "$name"; then printf '%s\n' "$name"; fi
  done
}

main() {
  local mode=test names=() tests=(-L cpu-backend) folder every name passed=() failed=()
  while [[ $# -gt 0 ]]; do
    case $1 in
      --list | --another) mode=${1#--} ;;
      --) shift && tests=("$@") && break ;;
      *) names+=("$1") ;;
    esac
    shift
  done
  [[ -x $build_dir/bin/sweetspot ]] ||
    fail "looking for ggml's CPU backends" "there is no $build_dir/bin/sweetspot" "run make test first"
  folder=$(backends_folder)
  mapfile -t every < <(all_names "$folder")
  for name in "${every[@]}"; do make_prefix "$name" "$folder"; done

  case $mode in
    list) runnable "${every[@]}" && return ;;
    another) names=("$(another)") ;;
    *) [[ ${#names[@]} -gt 0 ]] || mapfile -t names < <(runnable "${every[@]}") ;;
  esac
  for name in "${names[@]}"; do
    can_run "$name" || fail "testing on the CPU backend $name" "this processor cannot run it, or there is none of that name" \
      "name one that scripts/test-cpu-backends.sh --list names"
    say "== ggml's CPU backend $name"
    if (cd "$repo_dir" && on_backend "$name" ctest --preset ci "${tests[@]}" </dev/null); then
      passed+=("$name")
    else
      failed+=("$name")
    fi
  done
  say "CPU backends passed: ${passed[*]:-none}; failed: ${failed[*]:-none}"
  [[ ${#failed[@]} -eq 0 ]]
}

main "$@"
