#!/usr/bin/env bash
# Makes sure that there is a llama.cpp to build against.
#
#   scripts/setup-llama.sh [--private | --with-vulkan | --add-vulkan]
#
# An installed llama.cpp (its CMake package on CMAKE_PREFIX_PATH or in the system) is used as it is,
# unless a private one is asked for (--with-vulkan asks for one with the Vulkan backend). --add-vulkan is
# what the tests ask for: an installed one is used as it is, a private one has the Vulkan backend.
# Otherwise a private prefix, .deps/llama, is assembled from Debian unstable's packages: apt resolves
# one consistent set into directories of its own and dpkg -x unpacks it, so the system's packages, apt
# lists and dpkg status are never touched. Mirror and keyring are those of the machine's own apt.
# A finished prefix is never downloaded again.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly packages_base=(libllama-dev llama.cpp-tools llama.cpp-tools-extra libggml0-backend-rpc)
readonly packages_vulkan=(libggml0-backend-vulkan mesa-vulkan-drivers)
readonly own_llama_remedy="install llama.cpp yourself and name its prefix in CMAKE_PREFIX_PATH (docs/install.md)"
readonly stamp=$llama_prefix/packages.txt

with_vulkan=no
look_for_installed=yes
work=

has_installed_llama() {
  local probe
  probe=$(mktemp -d)
  cat >"$probe/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(probe LANGUAGES CXX)
find_package(llama CONFIG REQUIRED)
CMAKE
  local found=1
  cmake -S "$probe" -B "$probe/build" ${CMAKE_PREFIX_PATH:+-DCMAKE_PREFIX_PATH="$CMAKE_PREFIX_PATH"} \
    >/dev/null 2>&1 && found=0
  rm -rf "$probe"
  return "$found"
}

# The machine's main Debian archive (not security, not a third party's): prints "URI<tab>KEYRING".
debian_archive() {
  local targets uri sources
  # shellcheck disable=SC2016
  targets=$(apt-get indextargets --format '$(REPO_URI)|$(COMPONENT)|$(LABEL)|$(SOURCESENTRY)' \
    'Created-By: Packages' 2>/dev/null || true)
  IFS='|' read -r uri _ _ sources < <(awk -F'|' '$2 == "main" && $3 == "Debian"' <<<"$targets") ||
    uri=$(debian_archive_without_lists)
  [[ -n $uri ]] || return 1
  printf '%s\t%s\n' "$uri" "$(keyring_of "${sources%:*}")"
}

# Where no package list was fetched yet apt cannot say whose archive is whose; its list of what it would
# fetch for this Debian release then has to do.
debian_archive_without_lists() {
  local release
  grep -qx 'ID=debian' /etc/os-release || return 0
  release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  apt-get --print-uris update 2>/dev/null |
    sed -n "s#^'\([^']*\)/dists/$release/main/binary-.*#\1#p" |
    awk '/\/debian$/ && !main {main = $0} {other = other ? other : $0} END {print main ? main : other}'
}

# The Signed-By file of a sources entry, else Debian's keyring; empty leaves it to apt's trusted keys.
keyring_of() {
  local file
  for file in $(sed -nE 's/^ *Signed-By: *(\/[^ ]+).*/\1/Ip; s/.*signed-by=(\/[^] ]+).*/\1/p' "$1" 2>/dev/null) \
    /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
    if [[ -r $file ]]; then
      printf '%s' "$file"
      return
    fi
  done
}

# Hooks of the machine's apt configuration act on the system's own directories, and its pins and default
# release speak of the system's release: neither applies here. Proxies and credentials stay in force.
write_apt_configuration() {
  local uri=$1 keyring=$2
  mkdir -p "$work"/apt/{etc,state,lists/partial,cache/archives/partial}
  : >"$work/apt/state/status"
  {
    printf 'Types: deb\nURIs: %s\nSuites: unstable\nComponents: main\n' "$uri"
    [[ -z $keyring ]] || printf 'Signed-By: %s\n' "$keyring"
  } >"$work/apt/etc/unstable.sources"
  cat >"$work/apt/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear APT::Architectures;
APT::Architectures { "$(dpkg --print-architecture)"; };
APT::Default-Release "";
APT::Update::Error-Mode "any";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$work/apt/etc";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$work/apt/state";
Dir::State::status "$work/apt/state/status";
Dir::State::Lists "$work/apt/lists";
Dir::Cache "$work/apt/cache";
Dir::Cache::archives "$work/apt/cache/archives";
CONF
  if [[ $(id -u) -eq 0 ]]; then
    # apt's sandbox user may not be able to enter this folder.
    printf 'APT::Sandbox::User "root";\n' >>"$work/apt/apt.conf"
  fi
}

# run_apt STEP arguments...: quiet; on failure shows the end of what apt said.
run_apt() {
  local step=$1 log=$work/apt/log
  shift
  apt-get -c "$work/apt/apt.conf" -q -y "$@" >"$log" 2>&1 </dev/null && return
  tail -n 15 "$log" >&2
  fail "$step" "apt-get $1 did not succeed (its last lines are above)" \
    "check the network and run the same command again, or $own_llama_remedy"
}

unpack() {
  local deb
  mkdir -p "$work/llama"
  for deb in "$work"/apt/cache/archives/*.deb; do
    dpkg -x "$deb" "$work/llama" ||
      fail "unpacking $(basename "$deb")" "dpkg -x did not succeed" "check the free space of $deps_dir, then run it again"
    # shellcheck disable=SC2016
    dpkg-deb -W --showformat '${Package} ${Version}\n' "$deb" >>"$work/llama/packages.txt"
  done
  rm -rf "$work"/llama/usr/share/{man,locale,info,lintian,bash-completion}
}

# ggml looks for backends in the directory it was built for (not there), then beside the running
# program, which under an explicit loader is the loader.
link_backends() {
  local loader backend
  loader=$(readlink -f "$(find_loader "$work/llama")")
  for backend in "$work"/llama/usr/lib/*/ggml/backends*/*.so; do
    ln -srf "$backend" "$(dirname "$loader")/"
  done
}

find_loader() {
  local candidate
  for candidate in "$1"/usr/lib64/ld-linux-*.so.* "$1"/usr/lib/ld-linux-*.so.* "$1"/usr/lib/*/ld-linux-*.so.*; do
    if [[ -e $candidate ]]; then
      printf '%s' "$candidate"
      return
    fi
  done
  fail "looking at the unpacked packages" "they hold no dynamic loader" "$own_llama_remedy"
}

# bin/NAME starts usr/bin/NAME with the prefix's own loader and C library: the oracles of our tests.
write_tool_wrappers() {
  local loader libraries tool name
  loader=$(find_loader "$work/llama")
  libraries=$(dirname "$(find "$work/llama/usr/lib" -name 'libllama.so.0' | head -n 1)")
  mkdir -p "$work/llama/bin"
  for tool in "$work"/llama/usr/bin/llama-*; do
    name=$(basename "$tool")
    cat >"$work/llama/bin/$name" <<WRAPPER
#!/usr/bin/env bash
# Written by scripts/setup-llama.sh. ggml complains once per backend that its compiled-in folder is not
# there; nothing else is filtered.
prefix=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
lib=\$prefix/${libraries#"$work/llama/"}
exec 2> >(trap '' INT TERM; exec grep -a --line-buffered -v '^ggml_backend_load_best: failed to enumerate' >&2)
exec "\$prefix/${loader#"$work/llama/"}" --library-path "\$lib:\$lib/llama" --argv0 "$name" "\$prefix/usr/bin/$name" "\$@"
WRAPPER
    chmod +x "$work/llama/bin/$name"
  done
}

check_prefix() {
  "$work/llama/bin/llama-bench" --help >"$work/apt/log" 2>&1 && return
  tail -n 5 "$work/apt/log" >&2
  fail "trying the assembled llama.cpp" "its llama-bench does not start (its last lines are above)" "$own_llama_remedy"
}

assemble() {
  local archive packages=("${packages_base[@]}")
  [[ $with_vulkan == no ]] || packages+=("${packages_vulkan[@]}")
  archive=$(debian_archive) ||
    fail "looking for the Debian archive in apt's configuration" "this machine's apt names none" "$own_llama_remedy"
  work=$(mktemp -d "$deps_dir/llama.partial.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  write_apt_configuration "${archive%%$'\t'*}" "${archive#*$'\t'}"
  say "llama.cpp: none installed; assembling a private one from Debian unstable's packages in ${llama_prefix#"$PWD"/}"
  run_apt "reading Debian unstable's package lists" update
  run_apt "downloading llama.cpp's packages" install --download-only "${packages[@]}"
  unpack
  link_backends
  write_tool_wrappers
  check_prefix
  rm -rf "$llama_prefix"
  mv "$work/llama" "$llama_prefix"
}

# The prefix appears under its name only when whole, and its stamp says what is in it.
is_assembled() {
  [[ -f $stamp ]] && { [[ $with_vulkan == no ]] || grep -q '^libggml0-backend-vulkan ' "$stamp"; }
}

main() {
  case ${1:-} in
    --with-vulkan) with_vulkan=yes look_for_installed=no ;;
    --add-vulkan) with_vulkan=yes ;;
    --private) look_for_installed=no ;;
  esac
  if [[ $look_for_installed == yes ]] && ! is_assembled && has_installed_llama; then
    return
  fi
  if ! is_assembled; then
    if ! have apt-get || ! have dpkg; then
      fail "looking for llama.cpp" "no CMake package of it is installed and this system has no apt to assemble one from" \
        "$own_llama_remedy, or use Debian 12 or newer, where this script does it"
    fi
    mkdir -p "$deps_dir"
    exec 9>"$deps_dir/.lock"
    flock 9
    rm -rf "$deps_dir"/llama.partial.*
    is_assembled || assemble
  fi
}

main "$@"
