#!/usr/bin/env bash
# Makes sure that there is a llama.cpp to build against, with the backend that the cards of this machine want.
#
#   scripts/setup-llama.sh [--private | --with-vulkan | --add-vulkan] [--gpu auto|vulkan|cuda|hip|none]
#
# An installed llama.cpp (its CMake package on CMAKE_PREFIX_PATH or in the system) is used as it is,
# unless a private one is asked for (--with-vulkan asks for one with the Vulkan backend and Mesa's software
# driver). --add-vulkan is what the tests ask for: an installed one is used as it is, a private one gets
# both. Otherwise a private prefix, .deps/llama, is assembled (scripts/assemble-llama.sh).
#
# --gpu says which backend that is to have besides CPU and RPC; it is $GPU unless given, else auto: Vulkan
# where a card can use it. What the prefix has it keeps. The cards are listed with what was taken for them.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/gpu-backends.sh
source "$repo_dir/scripts/gpu-backends.sh"

readonly packages_of_tests=(libggml0-backend-vulkan mesa-vulkan-drivers)

wish=${GPU:-auto}
look_for_installed=yes
packages=()

has_installed_llama() {
  local probe
  probe=$(mktemp -d)
  cat >"$probe/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(probe LANGUAGES CXX)
find_package(llama CONFIG REQUIRED)
CMAKE
  local found=1
  cmake -G Ninja -S "$probe" -B "$probe/build" ${CMAKE_PREFIX_PATH:+-DCMAKE_PREFIX_PATH="$CMAKE_PREFIX_PATH"} \
    >/dev/null 2>&1 && found=0
  rm -rf "$probe"
  return "$found"
}

read_options() {
  while [[ $# -gt 0 ]]; do
    case $1 in
      --with-vulkan) packages=("${packages_of_tests[@]}") look_for_installed=no ;;
      --add-vulkan) packages=("${packages_of_tests[@]}") ;;
      --private) look_for_installed=no ;;
      --gpu) wish=${2:-} && shift $(($# > 1)) ;;
      --gpu=*) wish=${1#*=} ;;
      *) fail "reading its options" "there is no option '$1'" "see the head of scripts/setup-llama.sh" ;;
    esac
    shift
  done
  # Where CMake is told to take the private one, it is the private one that is asked for.
  [[ ! ${CMAKE_PREFIX_PATH:-} -ef $llama_prefix/usr ]] || look_for_installed=no
  case $wish in
    auto | vulkan | cuda | hip | none) ;;
    *) fail "reading which backend is wanted" "'$wish' is none" "let GPU or --gpu be auto, vulkan, cuda, hip or none" ;;
  esac
}

backends_there() { sed -nE 's/^libggml0-backend-(vulkan|cuda|hip) .*/\1/p' "$llama_stamp" 2>/dev/null | tr '\n' ' ' || true; }

say_what_has_no_card() {
  local card
  for card in "$@"; do
    [[ $wish:$(field "$card" vendor) != @(cuda:nvidia|hip:amd) ]] || return 0
  done
  case $wish in
    cuda) say "No NVIDIA card is seen here: CUDA is taken as asked for, for a machine that has one ($cuda_price)." ;;
    hip) say "No AMD card is seen here: ROCm is taken as asked for, for a machine that has one ($hip_price)." ;;
  esac
}

# bring PACKAGE...: what nobody asked for by name must not be why a prefix that is there cannot be used:
# the machine may be offline by now.
bring() {
  local lacking
  mapfile -t lacking < <(lacking_packages "${packages[@]}")
  if [[ $wish != auto || ! -f $llama_stamp || ${#lacking[@]} -gt 0 ]]; then
    "$repo_dir/scripts/assemble-llama.sh" "$@"
  elif ! "$repo_dir/scripts/assemble-llama.sh" "$@"; then
    say "Going on with the llama.cpp that is there, without $*; the next run tries again (GPU=none does not)."
  fi
}

# Drivers of the host are loaded into processes that have the prefix's C library.
check_c_library() {
  local host own
  host=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //') || return 0
  own=$(sed -nE 's/^libc6 ([0-9]+\.[0-9]+).*/\1/p' "$llama_stamp")
  [[ -n $host && -n $own && $host != "$own" && $(printf '%s\n' "$host" "$own" | sort -V | tail -n 1) == "$host" ]] || return 0
  say "This system's C library ($host) is newer than that of the private llama.cpp ($own), and drivers made for it may" \
    "not load: remove $llama_prefix and run this again, or $own_llama_remedy."
}

report_cards() {
  local card there hint
  read -ra there < <(backends_there && echo)
  for card in "$@"; do
    say "$(card_sentence "$wish" "$card" "${there[@]}")"
  done
  [[ $# -eq 0 ]] || check_c_library
  [[ $wish == auto ]] || return 0
  while read -r hint; do say "$hint"; done < <(faster_backends "${there[*]}" "$@")
}

main() {
  local cards backend wanted=("${packages[@]}") lacking
  mapfile -t cards < <("$repo_dir/scripts/detect-gpu.sh" | grep '^card ')
  for backend in $(wanted_backends "$wish" "$(backends_there)" "${cards[@]}"); do
    wanted+=("libggml0-backend-$backend")
  done
  mapfile -t lacking < <(lacking_packages "${wanted[@]}" | sort -u)
  if [[ ! -f $llama_stamp || ${#lacking[@]} -gt 0 ]]; then
    if [[ $look_for_installed == yes ]] && has_installed_llama; then
      [[ $wish == @(auto|none) ]] || say "An installed llama.cpp is used as it is, so GPU=$wish adds nothing to it;" \
        "scripts/setup-llama.sh --private --gpu $wish assembles one with it (docs/install.md says how that is used)."
      return
    fi
    say_what_has_no_card "${cards[@]}"
    bring "${lacking[@]}"
  elif [[ $look_for_installed == yes && -n ${CMAKE_PREFIX_PATH:-} ]] && has_installed_llama; then
    # Nothing is to be said of a private one that is not used.
    return
  fi
  report_cards "${cards[@]}"
}

read_options "$@"
main
