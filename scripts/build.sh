#!/usr/bin/env bash
# Sets up what is missing and builds into build/.
#
#   scripts/build.sh            the programs, in build/bin/
#   scripts/build.sh demo       those that the demonstration needs: no adapter for other llama-servers
#   scripts/build.sh test       the programs and all tests
#   scripts/build.sh bundle     the programs and the library, on a private llama.cpp with Vulkan
#   scripts/build.sh wheel      the library alone
#   scripts/build.sh lint       only what clang-tidy needs: the compile commands
#
# LINKED_WORKER=OFF leaves out the worker that llama.cpp is linked into, and needs no llama.cpp: what is built drives
# the llama-servers of this machine (docs/engines.md). For the programs alone, not for tests and bundles.
#
# One folder and one set of flags for programs and tests, so that nothing is compiled twice.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

main() {
  local goal=${1:-build} preset=release targets=(sweetspot sweetspot-worker sweetspot-adapter) llama_options=()
  local linked=${LINKED_WORKER:-ON}
  if [[ $linked == OFF && $goal != build && $goal != wheel ]]; then
    fail "choosing what to build" "LINKED_WORKER=OFF is for the programs alone, and $goal needs the linked worker" \
      "leave LINKED_WORKER away"
  fi
  # The tests hold the planner against real loads on Vulkan's software device.
  [[ $goal != test ]] || llama_options=(--add-vulkan)
  [[ $goal != bundle ]] || llama_options=(--private --gpu vulkan)
  local packages=$goal
  [[ $goal != bundle && $goal != demo ]] || packages=build
  "$repo_dir/scripts/setup-packages.sh" "$packages"
  [[ $linked == OFF ]] || "$repo_dir/scripts/setup-llama.sh" "${llama_options[@]}"
  case $goal in
    test) preset=ci targets=(all) ;;
    demo) targets=(sweetspot sweetspot-worker) ;;
    lint) preset=lint ;;
    wheel) targets=(libsweetspot_shared libsweetspot_static) ;;
    bundle) targets+=(sweetspot-backends libsweetspot_shared libsweetspot_static) ;;
  esac
  [[ $linked == ON || $goal == wheel ]] || targets=(sweetspot sweetspot-adapter)
  configure "$preset" -DSWEETSPOT_LINKED_WORKER="$linked"
  [[ $goal == lint ]] || cmake --build "$build_dir" --target "${targets[@]}" -- --quiet
}

main "$@"
