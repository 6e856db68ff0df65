#!/usr/bin/env bash
# Makes sweetspot-VERSION-linux-x86_64.tar.xz: the programs, libsweetspot and the private llama.cpp with its C
# library, to be unpacked anywhere.
#
#   scripts/bundle.sh [--no-build] [FOLDER]
#
# FOLDER is build/ unless given. --no-build takes build/ as it is. SWEETSPOT_BUNDLE_LEVEL is xz's level (9e);
# 0 is quick. What is in it, and why so: docs/decisions/bundle.md.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Parts of the C library that no program of ours needs, but the machine's drivers may: those of another C library
# would not work beside ours.
readonly c_library=(libanl.so.1 libc.so.6 libdl.so.2 libm.so.6 libmvec.so.1 libnsl.so.1 libnss_compat.so.2 libnss_dns.so.2
  libnss_files.so.2 libpthread.so.0 libresolv.so.2 librt.so.1 libutil.so.1)
# Header libraries that our programs are compiled with; what they link is found by itself.
readonly compiled_in=(libcli11-dev libeigen3-dev libexpected-dev libjs-d3 libsqlitecpp-dev nlohmann-json3-dev)

readonly built_llama=$build_dir/bin/llama # links to the llama.cpp that was built against
readonly again="mend what it says, then run the same command again"

work=

check_build() {
  [[ -x $build_dir/bin/sweetspot && -x $build_dir/bin/sweetspot-worker ]] ||
    fail "looking for what was built" "there are no programs in $build_dir/bin" "run make bundle"
  [[ -e $built_llama/loader ]] ||
    fail "looking for llama.cpp" "the programs in $build_dir/bin are built against another llama.cpp than the private one" \
      "run make clean, then CMAKE_PREFIX_PATH=\$PWD/.deps/llama/usr make bundle"
  [[ -e $built_llama/backends/libggml-vulkan.so ]] ||
    fail "looking for llama.cpp" "the private one has no Vulkan backend" "run scripts/setup-llama.sh --private --gpu vulkan"
}

version() { sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build_dir/CMakeCache.txt"; }

# The folder usr of the prefix that the build's links lead to.
prefix_usr() { (cd -P "$built_llama/bin/../usr" && pwd); }

# needed_by FILE...: every library that the files load, as the private llama.cpp's own loader finds them.
needed_by() {
  local file listed
  for file in "$@"; do
    listed=$("$built_llama/loader" --library-path "$built_llama/lib:$built_llama/lib/llama" --list "$file") ||
      fail "looking for libraries" "the loader cannot list those of $file" "$again"
    if grep -q 'not found' <<<"$listed"; then
      fail "looking for libraries" "$(basename "$file") needs $(sed -n 's/^\t*\(.*\) => not found/\1/p' <<<"$listed" | paste -sd' ')" \
        "install what has it, then run the same command again"
    fi
    sed -nE '/\/loader \(/d; s/^\t.* => (.*) \(0x[0-9a-f]+\)$/\1/p' <<<"$listed"
  done
}

# write_wrapper FILE HOME PROGRAM [OPTIONS]: as CMake writes the worker's for a build tree. HOME is sh for where
# libexec/sweetspot is; $here is the wrapper's own folder.
write_wrapper() {
  local text
  text=$(<"$repo_dir/cmake/wrapper.sh.in")
  text=${text//@home@/$2}
  text=${text//@program@/$3}
  text=${text//@options@/${4:-}}
  printf '%s\n' "${text//@more@/}" >"$1"
  chmod 755 "$1"
}

add_llama() {
  local home=$1 usr=$2 tool name libraries
  mkdir -p "$home"/llama/{bin,programs,backends,lib}
  # Not those of CUDA and ROCm, which a prefix may have: gigabytes, and not ours to hand on.
  cp -L "$built_llama"/backends/libggml-{cpu-*,rpc,vulkan}.so "$home/llama/backends/"
  cp "$build_dir/lib/libsweetspot-backends.so" "$home/llama/lib/"
  for tool in "$usr"/bin/llama-*; do
    name=$(basename "$tool")
    cp "$tool" "$home/llama/programs/"
    write_wrapper "$home/llama/bin/$name" "\$here/../.." "llama/programs/$name" '--preload libsweetspot-backends.so '
  done
  mapfile -t libraries < <({
    printf '%s\n' "${c_library[@]/#/$built_llama/lib/}"
    needed_by "$build_dir"/bin/sweetspot{,-worker.bin} "$home"/llama/{programs,backends}/*
  } | sort -u)
  cp -L "${libraries[@]}" "$home/llama/lib/"
  name=$(basename "$(readlink -f "$built_llama/loader")")
  cp -L "$built_llama/loader" "$home/llama/lib/$name"
  ln -s "lib/$name" "$home/llama/loader"
}

add_programs() {
  local bundle=$1 home=$2
  mkdir -p "$bundle/bin"
  cp "$build_dir/bin/sweetspot" "$home/sweetspot.bin"
  cp "$build_dir/bin/sweetspot-worker.bin" "$home/"
  write_wrapper "$home/sweetspot-worker" "\$here" sweetspot-worker.bin
  cp "$build_dir/bin/sweetspot-adapter" "$home/sweetspot-adapter.bin"
  write_wrapper "$home/sweetspot-adapter" "\$here" sweetspot-adapter.bin
  write_wrapper "$bundle/bin/sweetspot" "\$here/../libexec/sweetspot" sweetspot.bin
}

# Without the static library, which needs a C++ compiler like ours.
add_library() {
  local bundle=$1 home=$2
  cmake --install "$build_dir" --prefix "$bundle" --component libsweetspot >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "installing libsweetspot" "cmake --install did not succeed (what it said is above)" "$again"
  }
  rm -f "$bundle"/lib/libsweetspot.a "$bundle"/lib/cmake/sweetspot/sweetspotStaticTargets*
  cp "$home"/llama/lib/libfmt.so.* "$bundle/lib/"
}

strip_ours() {
  strip --strip-unneeded "$2"/*.bin "$2/llama/lib/libsweetspot-backends.so" "$1"/lib/libsweetspot.so.*.*.*
}

# The Debian packages of libraries that our programs load and the private llama.cpp does not have.
packages_of_build_machine() {
  local file
  needed_by "$build_dir"/bin/sweetspot{,-worker.bin} | grep -v "^$built_llama/" | sort -u | while read -r file; do
    dpkg-query -S "*/$(basename "$(readlink -f "$file")")" | sed -n '1s/:.*//p'
  done | sort -u
}

# add_licence FILE NAME
add_licence() {
  [[ -r $1 ]] || fail "gathering licences" "there is no $1" "install the package it belongs to, then run the same command again"
  cp -L "$1" "$licences/$2"
}

add_licences() {
  local bundle=$1 usr=$2 file package licences=$1/licenses
  mkdir -p "$licences"
  cp "$repo_dir/LICENSE" "$bundle/"
  cp "$usr/../packages.txt" "$licences/debian-unstable-packages.txt"
  for file in "$usr"/share/doc/*/copyright; do
    add_licence "$file" "$(basename "$(dirname "$file")")"
  done
  for package in "${compiled_in[@]}" $(packages_of_build_machine); do
    add_licence "/usr/share/doc/$package/copyright" "$package"
  done
  cp -rL /usr/share/common-licenses "$licences/common-licenses"
  cat >"$licences/README" <<'TEXT'
Each file is the copyright file of the Debian package of that name; the texts they refer to as
/usr/share/common-licenses are in common-licenses. llama.cpp, its libraries and the C library are unchanged
files of the packages of Debian unstable that debian-unstable-packages.txt lists with their versions; not every
package on the list has a file in this bundle. Their sources are in Debian's archive and its snapshots.
TEXT
}

# The same bytes from the same files: nothing of who packed it, or when.
pack() {
  local name=$1 archive=$2 level=${SWEETSPOT_BUNDLE_LEVEL:-9e} when
  when=$(git -C "$repo_dir" log -1 --format=%ct 2>/dev/null || echo 0)
  tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mode=u+w,go-w,a+rX --mtime="@$when" -cf - "$name" |
    xz -T0 "-$level" >"$work/archive" ||
    fail "packing the bundle" "tar or xz did not succeed (what it said is above)" "check the free space, then run the same command again"
  mv "$work/archive" "$archive"
}

main() {
  local folder=$build_dir build=yes name bundle home usr
  if [[ ${1:-} == --no-build ]]; then
    build=no
    shift
  fi
  folder=${1:-$folder}
  have xz || fail "looking for xz" "it is not installed" "install the package xz-utils"
  [[ $build == no ]] || "$repo_dir/scripts/build.sh" bundle
  check_build
  usr=$(prefix_usr)
  mkdir -p "$folder"
  work=$(mktemp -d "$folder/bundle.partial.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  name=sweetspot-$(version)-linux-$(uname -m)
  bundle=$work/$name home=$work/$name/libexec/sweetspot
  add_llama "$home" "$usr"
  add_programs "$bundle" "$home"
  add_library "$bundle" "$home"
  strip_ours "$bundle" "$home"
  add_licences "$bundle" "$usr"
  pack "$name" "$folder/$name.tar.xz"
  say "$folder/$name.tar.xz: $(du -m "$folder/$name.tar.xz" | cut -f1) MB, $(du -sm "$bundle" | cut -f1) MB unpacked"
}

main "$@"
