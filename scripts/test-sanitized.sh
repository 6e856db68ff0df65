#!/usr/bin/env bash
# The tests of the rooms that read what others write or manage memory and processes, under the address and
# undefined-behaviour sanitizers. The rooms are compiled for it once more; what tests them are the objects of `make test`
# (cmake/SweetspotRoom.cmake says which rooms). Arguments: only these rooms.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
readonly bin_dir=$build_dir/bin
# Hundreds of processes that are killed: two minutes here, for code that other tests run too.
readonly starts_many='*.AWriterKilledAtAnyMoment*:*.ShowsReadersOldOrNewButNeverAPart'

targets_of() {
  case $1 in
    capi) printf '%s\n' capi_test_asan sizes_test_asan threads_test_asan fake_nvml ;;
    *) printf '%s_test_asan\n' "$1" ;;
  esac
}

# Those that were built; the other programs of capi's tests belong to it.
all_rooms() { (cd "$bin_dir" && printf '%s\n' *_test_asan) | sed 's/_test_asan$//' | grep -vxE 'sizes|threads'; }

# All tests of a room in one process: starting one for each takes longer than what they do. Those of capi are programs.
run_room() {
  local machine=("$build_dir/tests/fakes/libfake_nvml.so" "$repo_dir/tests/golden/profiles_measured.json")
  if [[ $1 == capi ]]; then
    "$bin_dir/capi_test_asan" "${machine[@]}" && "$bin_dir/sizes_test_asan" "${machine[@]}" &&
      "$bin_dir/threads_test_asan" "${machine[@]}" 10000
  else
    "$bin_dir/$1_test_asan" --gtest_brief=1 --gtest_shuffle "--gtest_filter=-$starts_many"
  fi
}

main() {
  local room logs rooms=("$@") targets=() failed=()
  "$repo_dir/scripts/setup-packages.sh" test
  "$repo_dir/scripts/setup-llama.sh" --add-vulkan
  for room in "${rooms[@]}"; do
    mapfile -t -O "${#targets[@]}" targets < <(targets_of "$room")
  done
  [[ $# -gt 0 ]] || targets=(programs_asan fake_nvml)
  cd "$repo_dir"
  configure ci
  cmake --build "$build_dir" --target "${targets[@]}" -- --quiet
  [[ $# -gt 0 ]] || mapfile -t rooms < <(all_rooms)
  export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
  # Several rooms at once, each told whole: what they print would be mixed otherwise.
  logs=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$logs'" EXIT
  for room in "${rooms[@]}"; do
    while [[ $(jobs -pr | wc -l) -ge $(nproc) ]]; do wait -n || true; done
    { run_room "$room" && touch "$logs/$room.passed"; } </dev/null >"$logs/$room" 2>&1 &
  done
  wait
  for room in "${rooms[@]}"; do
    say "under the sanitizers: $room"
    cat "$logs/$room"
    [[ -e $logs/$room.passed ]] || failed+=("$room")
  done
  [[ ${#failed[@]} -eq 0 ]] || fail "running tests under the sanitizers" "there are failures in: ${failed[*]}" \
    "mend what is reported above; $0 ROOM runs one room"
}

main "$@"
