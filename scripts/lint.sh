#!/usr/bin/env bash
# Format, clang-tidy, mypy and shellcheck over our own files; any finding is an error.
#
#   scripts/lint.sh [--fix-format]
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repo_dir"

our_sources() {
  local folders=() folder
  for folder in src include examples tests bench cmake; do
    [[ ! -d $folder ]] || folders+=("$folder")
  done
  find "${folders[@]}" \( -name '*.cpp' -o -name '*.hpp' -o -name '*.c' -o -name '*.h' \) | sort
}

our_scripts() { printf '%s\n' .ci/run scripts/*.sh; }

# A filter that matches nothing is silent, so faults are planted to see them reported: in a file of a unit, and in a
# header. A second file stands between the unit and what clang-tidy takes for the main file, as in a room.
check_filter() {
  local planted found file status=0
  planted=$(mktemp -d)
  mkdir -p "$planted/src/core"
  printf '#pragma once\nstruct badly_named_in_hpp {};\n' >"$planted/src/core/planted.hpp"
  printf '#include "core/planted.hpp"\nstruct badly_named_in_cpp {};\n' >"$planted/src/core/planted.cpp"
  printf '#include "%s"\n' "$planted/src/core/planted.cpp" >"$planted/unit.cxx"
  found=$(clang-tidy --quiet --config-file="$repo_dir/.clang-tidy" "$planted/unit.cxx" -- \
    -std=c++20 -I"$planted/src" 2>/dev/null || true)
  rm -rf "$planted"
  for file in hpp cpp; do
    grep -q "badly_named_in_$file.*readability-identifier-naming" <<<"$found" && continue
    say "lint: clang-tidy did not report a fault planted in a .$file file: HeaderFilterRegex of .clang-tidy does not match it"
    status=1
  done
  return "$status"
}

# Several rooms are read as one unit (cmake/SweetspotLint.cmake), and what is no room as it is compiled.
readonly rooms_by_themselves='/src/[a-z]+/CMakeFiles/sweetspot_[a-z]+\.dir/|/src/[a-z/_]+\.cpp$'

check_tidy() {
  "$repo_dir/scripts/build.sh" lint
  # The compile commands are g++'s: clang need not know each of its warnings.
  run-clang-tidy -quiet -j "$(nproc)" -extra-arg=-Wno-unknown-warning-option -extra-arg=-Wno-unused-command-line-argument \
    -p "$build_dir/lint" "^(?!.*($rooms_by_themselves))" \
    >"$build_dir/clang-tidy.log" 2>&1 && return
  sed 's/\x1b\[[0-9;]*m//g' "$build_dir/clang-tidy.log" | grep -E '(warning|error):' | sort -u >&2
  say "lint: clang-tidy found faults (all of its output: build/clang-tidy.log)"
  return 1
}

main() {
  local -a sources scripts
  local status=0
  "$repo_dir/scripts/setup-packages.sh" lint
  mapfile -t sources < <(our_sources)
  mapfile -t scripts < <(our_scripts)
  if [[ ${1:-} == --fix-format ]]; then
    clang-format -i "${sources[@]}"
    return
  fi
  # Every check runs, so that one call shows all there is to mend.
  say "clang-format: ${#sources[@]} files"
  clang-format --dry-run -Werror "${sources[@]}" || status=1
  say "shellcheck: ${#scripts[@]} scripts"
  shellcheck -x -P "$repo_dir" "${scripts[@]}" || status=1
  say "mypy: python/"
  (cd python && mypy --no-error-summary --cache-dir=/dev/null sweetspot) || status=1
  check_filter || status=1
  say "clang-tidy: src/"
  check_tidy || status=1
  [[ $status -eq 0 ]] || say "lint: failed"
  return "$status"
}

main "$@"
