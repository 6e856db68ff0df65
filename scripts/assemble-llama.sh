#!/usr/bin/env bash
# Assembles the private llama.cpp in .deps/llama, or adds to it what it lacks.
#
#   scripts/assemble-llama.sh [PACKAGE...]       Debian packages that it is to hold besides llama.cpp itself
#
# They come from Debian unstable: apt resolves one consistent set into directories of its own and dpkg -x
# unpacks it, so the system's packages, apt lists and dpkg status are never touched. Mirror and keyring are
# those of the machine's own apt, or the mirror that SWEETSPOT_DEBIAN_MIRROR names. What the prefix has is
# not downloaded again, and it is replaced only by one that is whole.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# In the prefix: its packages as dpkg would record them.
readonly status_name=dpkg-status
work=

# The machine's main Debian archive (not security, not a third party's): prints "URI<tab>KEYRING".
debian_archive() {
  local targets uri sources
  if [[ -n ${SWEETSPOT_DEBIAN_MIRROR:-} ]]; then
    printf '%s\t%s\n' "$SWEETSPOT_DEBIAN_MIRROR" "$(keyring_of /dev/null)"
    return
  fi
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
  local uri=$1 keyring=$2 components=$3
  mkdir -p "$work"/apt/{etc,state,lists/partial,cache/archives/partial}
  {
    printf 'Types: deb\nURIs: %s\nSuites: unstable\nComponents: %s\n' "$uri" "$components"
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

# write_status [FILE]: what apt takes for installed: the packages of a prefix, and the library of NVIDIA's
# driver, which is always the host's, since it has to be of the version of the kernel's part.
write_status() {
  {
    cat <<STATUS
Package: sweetspot-host-driver
Version: 999
Architecture: $(dpkg --print-architecture)
Status: install ok installed
Maintainer: none <none@localhost>
Provides: libcuda1 (= 999), libcuda.so.1 (= 999)
Description: what the host has

STATUS
    [[ $# -eq 0 ]] || cat "$1"
  } >"$work/apt/state/status"
}

# Whether apt would leave all that the prefix has as it is. An archive that has moved on to another
# llama.cpp wants other versions of it too, and files of both must not be mixed.
only_adds() {
  local log=$work/apt/simulation
  apt-get -c "$work/apt/apt.conf" -q -s install "$@" >"$log" 2>&1 </dev/null || return 1
  ! grep -qE '^(Remv|Inst [^ ]+ \[)' "$log"
}

# All backends and drivers that the prefix has, by the packages that stand for them.
packages_of_prefix() { grep -oE '^(libggml0-backend-(vulkan|cuda|hip)|mesa-vulkan-drivers) ' "$llama_stamp" | tr -d ' '; }

# download PACKAGE...: says how large it is before.
download() {
  local bytes
  bytes=$(apt-get -c "$work/apt/apt.conf" -qq -y --print-uris install "$@" 2>/dev/null | awk '{sum += $3} END {print sum + 0}')
  say "downloading $(((bytes + 500000) / 1000000)) MB: $*"
  run_apt "downloading llama.cpp's packages" install --download-only "$@"
}

# Links instead of copies: gigabytes need not be written again, and the old prefix stays whole until the
# new one takes its place.
copy_prefix() {
  cp -al "$llama_prefix" "$work/llama" 2>/dev/null || {
    rm -rf "$work/llama"
    cp -a "$llama_prefix" "$work/llama"
  } || fail "copying $llama_prefix" "cp did not succeed" "check the free space of $deps_dir, then run it again"
  # These are written anew, which must not reach the old ones.
  rm -rf "$work"/llama/{bin,packages.txt,"$status_name"}
  cp "$llama_stamp" "$llama_prefix/$status_name" "$work/llama/"
}

unpack() {
  local deb
  mkdir -p "$work/llama"
  for deb in "$work"/apt/cache/archives/*.deb; do
    dpkg -x "$deb" "$work/llama" ||
      fail "unpacking $(basename "$deb")" "dpkg -x did not succeed" "check the free space of $deps_dir, then run it again"
    # shellcheck disable=SC2016
    dpkg-deb -W --showformat '${Package} ${Version}\n' "$deb" >>"$work/llama/packages.txt"
    # All fields: apt takes one version with other fields for another version.
    { dpkg-deb -f "$deb" && printf 'Status: install ok installed\n\n'; } >>"$work/llama/$status_name"
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
libraries=\$lib:\$lib/llama
# Last, as in cmake/wrapper.sh.in: drivers that /etc/ld.so.cache does not know.
for folder in /usr/lib/wsl/lib /run/opengl-driver/lib /usr/local/nvidia/lib64; do
  if [[ -d \$folder ]]; then libraries=\$libraries:\$folder; fi
done
exec 2> >(trap '' INT TERM; exec grep -a --line-buffered -v '^ggml_backend_load_best: failed to enumerate' >&2)
exec "\$prefix/${loader#"$work/llama/"}" --library-path "\$libraries" --argv0 "$name" "\$prefix/usr/bin/$name" "\$@"
WRAPPER
    chmod +x "$work/llama/bin/$name"
  done
}

check_prefix() {
  "$work/llama/bin/llama-bench" --help >"$work/apt/log" 2>&1 && return
  tail -n 5 "$work/apt/log" >&2
  fail "trying the assembled llama.cpp" "its llama-bench does not start (its last lines are above)" "$own_llama_remedy"
}

prepare_apt() {
  local archive keyring components=main
  # CUDA's libraries are not free software, and what needs them is in contrib.
  [[ " $* " != *" libggml0-backend-cuda "* ]] || components="main contrib non-free"
  archive=$(debian_archive) ||
    fail "looking for the Debian archive in apt's configuration" "this machine's apt names none" \
      "name a mirror of Debian in SWEETSPOT_DEBIAN_MIRROR (its address up to /debian), or $own_llama_remedy"
  keyring=${archive#*$'\t'}
  [[ -n $keyring || -z ${SWEETSPOT_DEBIAN_MIRROR:-} ]] ||
    fail "looking for the keys of Debian's archive" "this system has none" \
      "install the package debian-archive-keyring and run the same command again"
  write_apt_configuration "${archive%%$'\t'*}" "$keyring" "$components"
  write_status
  run_apt "reading Debian unstable's package lists" update
}

# choose_what_to_load PACKAGE...: leaves in `packages` what apt is to install.
choose_what_to_load() {
  packages=("${llama_packages[@]}" "$@")
  if [[ ! -f $llama_stamp ]]; then
    say "llama.cpp: none installed; assembling a private one from Debian unstable's packages in ${llama_prefix#"$PWD"/}"
    return
  fi
  if [[ -f $llama_prefix/$status_name ]]; then
    write_status "$llama_prefix/$status_name"
    if only_adds "$@"; then
      packages=("$@")
      say "llama.cpp: adding to the private one in ${llama_prefix#"$PWD"/}"
      copy_prefix
      return
    fi
  fi
  write_status
  mapfile -t -O "${#packages[@]}" packages < <(packages_of_prefix)
  say "llama.cpp: the private one in ${llama_prefix#"$PWD"/} is older than what is to be added, so all of it is assembled anew"
}

assemble() {
  local packages
  work=$(mktemp -d "$deps_dir/llama.partial.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  # What the prefix has counts for the components, should all of it be loaded again.
  mapfile -t packages < <([[ ! -f $llama_stamp ]] || packages_of_prefix)
  prepare_apt "$@" "${packages[@]}"
  choose_what_to_load "$@"
  download "${packages[@]}"
  unpack
  link_backends
  write_tool_wrappers
  check_prefix
  [[ ! -e $llama_prefix ]] || mv "$llama_prefix" "$work/replaced"
  mv "$work/llama" "$llama_prefix"
}

main() {
  local lacking
  if ! have apt-get || ! have dpkg; then
    fail "looking for llama.cpp" "no CMake package of it is installed and this system has no apt to assemble one from" \
      "$own_llama_remedy, or use Debian 12 or newer, where this script does it"
  fi
  mkdir -p "$deps_dir"
  exec 9>"$deps_dir/.lock"
  flock 9
  rm -rf "$deps_dir"/llama.partial.*
  # Another run may have done it in the meantime.
  mapfile -t lacking < <(lacking_packages "$@")
  [[ -f $llama_stamp && ${#lacking[@]} -eq 0 ]] || assemble "${lacking[@]}"
}

main "$@"
