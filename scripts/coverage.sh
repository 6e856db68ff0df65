#!/usr/bin/env bash
# Which lines and branches of src/ the tests run, as a table with a row per room. Arguments go to ctest; without any,
# the tests are those that start no real worker (-LE slow).
#
#   scripts/coverage.sh [-R NAME ...]
#
# What a killed process ran is not counted: its counters are lost with it.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
readonly coverage_dir=$repo_dir/build-coverage

main() {
  [[ $# -gt 0 ]] || set -- -LE slow
  "$repo_dir/scripts/setup-packages.sh" coverage
  "$repo_dir/scripts/setup-llama.sh" --add-vulkan
  configure coverage
  cmake --build "$coverage_dir" -- --quiet
  find "$coverage_dir" -name '*.gcda' -delete
  cd "$repo_dir"
  local status=0
  ctest --preset coverage "$@" </dev/null >"$coverage_dir/ctest.log" 2>&1 || status=$?
  [[ $status -eq 0 ]] || say "coverage: some tests failed (build-coverage/ctest.log); what they ran is counted"
  gcovr --root "$repo_dir" --filter "$repo_dir/src/" --object-directory "$coverage_dir" \
    --exclude-throw-branches --json-summary "$coverage_dir/coverage.json" >/dev/null
  /usr/bin/python3 -B "$repo_dir/scripts/coverage_table.py" "$coverage_dir/coverage.json"
}

main "$@"
