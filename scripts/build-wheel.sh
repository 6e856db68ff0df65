#!/usr/bin/env bash
# Makes sweetspot-VERSION-py3-none-linux_x86_64.whl: the Python package with libsweetspot inside. No index is asked.
#
#   scripts/build-wheel.sh [--no-build] [FOLDER]
#
# FOLDER is build/ unless given. --no-build takes build/ as it is.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly again="mend what it says, then run the same command again"

work=

version() { sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build_dir/CMakeCache.txt"; }

# Of what libsweetspot loads only libfmt is not part of every system that has Python.
add_library() {
  local package=$1 fmt
  cmake --install "$build_dir" --prefix "$work/prefix" --component libsweetspot >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "installing libsweetspot" "cmake --install did not succeed (what it said is above)" "$again"
  }
  cp -L "$(find "$work/prefix" -name 'libsweetspot.so.0')" "$package/"
  fmt=$(ldd "$package/libsweetspot.so.0" | sed -nE 's/^\t*(libfmt\.so\.[0-9]+) => (.*) \(.*/\2/p')
  [[ -z $fmt ]] || cp -L "$fmt" "$package/"
  strip --strip-unneeded "$package"/lib*.so.*
}

add_licences() {
  local package=$1 file
  mkdir "$package/licenses"
  cp "$repo_dir/LICENSE" "$package/licenses/sweetspot"
  for file in "$package"/libfmt.so.*; do
    [[ -e $file ]] || continue
    cp -L "/usr/share/doc/libfmt${file##*.}/copyright" "$package/licenses/fmt" ||
      fail "gathering licences" "libfmt's is not there" "install libfmt-dev, then run the same command again"
  done
}

main() {
  local folder build=yes
  if [[ ${1:-} == --no-build ]]; then
    build=no
    shift
  fi
  folder=${1:-$build_dir}
  "$repo_dir/scripts/setup-packages.sh" wheel
  [[ $build == no ]] || "$repo_dir/scripts/build.sh" wheel
  mkdir -p "$folder"
  folder=$(cd "$folder" && pwd)
  work=$(mktemp -d "$folder/wheel.partial.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cp -r "$repo_dir/python" "$work/"
  version >"$work/python/VERSION"
  add_library "$work/python/sweetspot"
  add_licences "$work/python/sweetspot"
  cd "$work/python"
  /usr/bin/python3 -c 'import setuptools; setuptools.setup()' -q bdist_wheel \
    --plat-name "linux_$(uname -m)" --dist-dir "$folder" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "building the wheel" "setuptools did not succeed (what it said is above)" "$again"
  }
  say "$folder/sweetspot-$(version)-py3-none-linux_$(uname -m).whl"
}

main "$@"
