#!/usr/bin/env bash
# The tests of the rooms that read what others write or manage memory and processes, under the address and
# undefined-behaviour sanitizers. Arguments: other rooms instead.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

rooms=("$@")
[[ $# -gt 0 ]] || rooms=(core process store measure plan export profiles protocol capi)

# The programs that tests of a room run beside its own.
targets_of() {
  case $1 in
    capi) printf '%s\n' capi_test sizes_test threads_test ;;
    process) printf '%s\n' process_test ;;
    *) printf '%s_test\n' "$1" ;;
  esac
}

tests_of() {
  case $1 in
    capi) printf 'capi\\.(every_function|every_size_of_every_struct|10000_choices_at_once)' ;;
    *) printf '%s\\.' "$1" ;;
  esac
}

main() {
  local room targets=() tests=()
  "$repo_dir/scripts/setup-packages.sh" test
  "$repo_dir/scripts/setup-llama.sh"
  for room in "${rooms[@]}"; do
    mapfile -t -O "${#targets[@]}" targets < <(targets_of "$room")
    tests+=("$(tests_of "$room")")
  done
  cd "$repo_dir"
  configure asan
  cmake --build build-asan --target "${targets[@]}" -- --quiet
  local IFS='|'
  ctest --preset asan -R "^(${tests[*]})" </dev/null
}

main
