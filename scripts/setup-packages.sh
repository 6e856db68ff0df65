#!/usr/bin/env bash
# Installs the Debian packages that are missing, if any.
#
#   scripts/setup-packages.sh build|wheel|test|lint|coverage|record
#
# Each level includes the one before it. Nothing is fetched when nothing is missing.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# package[:command]: with a command named, any program of that name will do.
readonly for_build=(g++:g++ cmake:cmake ninja-build:ninja libcli11-dev libeigen3-dev libfmt-dev nlohmann-json3-dev libexpected-dev libsqlitecpp-dev libjs-d3
  libcpp-httplib-dev pkg-config:pkg-config)
readonly for_wheel=(python3-setuptools python3-wheel)
readonly for_test=("${for_wheel[@]}" libgtest-dev libgmock-dev librapidcheck-dev python3-jsonschema python3-yaml)
readonly for_record=(termtosvg:termtosvg)
readonly for_coverage=(gcovr:gcovr)
readonly for_lint=(clang-format:clang-format clang-tidy:clang-tidy mypy:mypy shellcheck:shellcheck)

wanted() {
  case $1 in
    build) printf '%s\n' "${for_build[@]}" ;;
    record) printf '%s\n' "${for_build[@]}" "${for_record[@]}" ;;
    wheel) printf '%s\n' "${for_build[@]}" "${for_wheel[@]}" ;;
    test) printf '%s\n' "${for_build[@]}" "${for_test[@]}" ;;
    coverage) printf '%s\n' "${for_build[@]}" "${for_test[@]}" "${for_coverage[@]}" ;;
    lint) printf '%s\n' "${for_build[@]}" "${for_test[@]}" "${for_lint[@]}" ;;
    *)
      say "usage: $0 build|wheel|test|lint|coverage|record"
      exit 2
      ;;
  esac
}

is_installed() {
  # shellcheck disable=SC2016
  [[ $(dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | head -n 1) == installed ]]
}

missing_packages() {
  local entry
  while read -r entry; do
    if [[ $entry == *:* ]] && have "${entry#*:}"; then continue; fi
    is_installed "${entry%%:*}" || printf '%s\n' "${entry%%:*}"
  done < <(wanted "$1")
}

# Without apt the tools must be there; what is missing of the libraries, CMake will name.
check_without_apt() {
  have cmake && have ninja && return
  fail "looking for packages" "cmake or ninja is missing and this system has no apt" \
    "install what docs/install.md lists for your system, then run the same command again"
}

# as_root COMMAND...: never waits for a password where nobody can type one.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif [[ -t 0 ]]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

install_packages() {
  local log remedy="check the network and apt's configuration, or have these installed: $*"
  if [[ $(id -u) -ne 0 ]] && ! have sudo; then
    fail "installing packages" "this account is not root and has no sudo" "ask for these Debian packages: $*"
  fi
  log=$(mktemp)
  # shellcheck disable=SC2064
  trap "rm -f '$log'" EXIT
  say "installing Debian packages: $*"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  as_root "${apt[@]}" update >"$log" 2>&1 || {
    # A broken third-party list need not matter; the install below decides.
    say "apt-get update did not fully succeed: $(grep -E '^(E|W):' "$log" | head -n 1)"
  }
  as_root "${apt[@]}" install --no-install-recommends "$@" >"$log" 2>&1 || {
    tail -n 15 "$log" >&2
    fail "installing packages" "apt-get install did not succeed (its last lines are above)" "$remedy"
  }
}

main() {
  local missing=()
  wanted "${1:-}" >/dev/null
  if ! have apt-get || ! have dpkg-query; then
    check_without_apt
    return
  fi
  mapfile -t missing < <(missing_packages "$1")
  [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
}

main "$@"
