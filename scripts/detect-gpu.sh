#!/usr/bin/env bash
# Says which graphics cards this machine has and what each of them lacks. It only reads.
#
#   scripts/detect-gpu.sh [ROOT]
#
# ROOT plays the root of the file system (SWEETSPOT_SYSFS_ROOT unless given): /sys, /proc, /dev, Vulkan's
# folders and nvidia-smi are looked for below it. First one line about the machine, then one per card:
#
#   machine pci=yes wsl=no
#   card address=0000:01:00.0 vendor=nvidia id=10de:2684 kernel-driver=nvidia version=550.163.01 capability=8.9 missing=none
#
# vendor is nvidia, amd, intel, other or unknown; what is not known is "unknown", what is not there "none".
# missing is a list with commas: kernel-driver (none is bound, or one that no backend works with),
# device-files (in /dev: containers), permission (to open them), vulkan-driver (its file in icd.d),
# kfd (AMD: /dev/kfd, which ROCm needs and Vulkan does not).
set -euo pipefail

root=${1:-${SWEETSPOT_SYSFS_ROOT:-}}
root=${root%/}

first_line() { if [[ -r $1 ]]; then head -n 1 "$1"; fi; }

# Domains have 8 digits and letters are upper case where nvidia-smi says them: 00000000:0A:00.0.
normal_address() {
  local address=${1,,}
  [[ $address =~ ^0000([0-9a-f]{4}:.*)$ ]] && address=${BASH_REMATCH[1]}
  printf '%s' "$address"
}

is_wsl() { [[ -e $root/dev/dxg ]]; }

# One "address,capability,version" per card. It can hang where the driver does, and its messages on a
# machine without a driver are no cards.
ask_nvidia_smi() {
  local program=${root:+$root/usr/bin/nvidia-smi}
  [[ -n $program ]] || program=$(command -v nvidia-smi || true)
  [[ -x $program ]] || program=$root/usr/lib/wsl/lib/nvidia-smi
  [[ -x $program ]] || return 0
  timeout 30 "$program" --query-gpu=pci.bus_id,compute_cap,driver_version --format=csv,noheader 2>/dev/null </dev/null |
    tr -d ' ' | grep -E '^[0-9A-Fa-f]+:[0-9A-Fa-f]+:[^,]+,[^,]*,[^,]*$' || true
}

nvidia_version() {
  first_line "$root/proc/driver/nvidia/version" | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1 || true
}

# What nvidia-smi said of the card at an address: "capability version".
nvidia_facts() {
  local address=$1 line capability=unknown version
  version=$(nvidia_version)
  for line in "${smi_cards[@]}"; do
    [[ $(normal_address "${line%%,*}") == "$address" ]] || continue
    IFS=, read -r _ capability line <<<"$line"
    version=${version:-$line}
  done
  [[ $capability =~ ^[0-9]+\.[0-9]+$ ]] || capability=unknown
  printf '%s %s' "$capability" "${version:-unknown}"
}

vendor_name() {
  case $1 in
    0x10de) echo nvidia ;;
    0x1002) echo amd ;;
    0x8086) echo intel ;;
    *) echo other ;;
  esac
}

# The kernel's drivers that ggml's backends work with.
is_working_driver() {
  case $1:$2 in
    nvidia:nvidia | nvidia:nouveau | amd:amdgpu | intel:i915 | intel:xe | *:dxgkrnl) return 0 ;;
  esac
  return 1
}

# The files in /dev that programs open: by these a container is given a card.
device_files() {
  local driver=$1 folder=$2 node
  case $driver in
    nvidia) echo "$root/dev/nvidiactl" ;;
    dxgkrnl) echo "$root/dev/dxg" ;;
    *)
      for node in "$folder"/drm/renderD*; do
        echo "$root/dev/dri/${node##*/}"
      done
      ;;
  esac
}

# Vulkan's loader finds drivers by the files that their packages put there.
has_vulkan_driver() {
  local vendor=$1 driver=$2 folder name names
  case $vendor:$driver in
    *:dxgkrnl) names=(dzn) ;;
    *:nouveau) names=(nouveau) ;;
    nvidia:*) names=(nvidia) ;;
    amd:*) names=(radeon amd) ;;
    *) names=("$vendor") ;;
  esac
  for folder in /etc /usr/local/etc /usr/local/share /usr/share; do
    for name in "${names[@]}"; do
      if compgen -G "$root$folder/vulkan/icd.d/$name*.json" >/dev/null; then return 0; fi
    done
  done
  return 1
}

# what_is_missing VENDOR DRIVER FOLDER
what_is_missing() {
  local vendor=$1 driver=$2 file lacks=()
  if ! is_working_driver "$vendor" "$driver"; then
    echo kernel-driver
    return
  fi
  file=$(device_files "$driver" "$3" | head -n 1)
  if [[ ! -e $file ]]; then
    lacks+=(device-files)
  elif [[ ! -r $file || ! -w $file ]]; then
    lacks+=(permission)
  fi
  has_vulkan_driver "$vendor" "$driver" || lacks+=(vulkan-driver)
  [[ $vendor != amd || -e $root/dev/kfd ]] || lacks+=(kfd)
  [[ ${#lacks[@]} -gt 0 ]] || lacks=(none)
  (IFS=, && echo "${lacks[*]}")
}

# print_card ADDRESS VENDOR ID DRIVER FOLDER
print_card() {
  local address=$1 vendor=$2 id=$3 driver=$4 capability=unknown version=unknown missing=none
  [[ $vendor != nvidia ]] || read -r capability version < <(nvidia_facts "$address" && echo)
  [[ $vendor == other ]] || missing=$(what_is_missing "$vendor" "$driver" "$5")
  printf 'card address=%s vendor=%s id=%s kernel-driver=%s version=%s capability=%s missing=%s\n' \
    "$address" "$vendor" "$id" "$driver" "$version" "$capability" "$missing"
  shown+=("$address")
}

# Class 03xx drives screens or computes; AMD's cards without a screen are 12xx (processing accelerators),
# among which are other makers' chips that are no graphics cards.
print_pci_cards() {
  local folder class vendor driver
  for folder in "$root"/sys/bus/pci/devices/*; do
    class=$(first_line "$folder/class")
    vendor=$(first_line "$folder/vendor")
    [[ $class == 0x03* || $class:$vendor == 0x12*:0x1002 ]] || continue
    driver=$(sed -n 's/^DRIVER=//p' "$folder/uevent" 2>/dev/null || true)
    # WSL shows Microsoft's adapter, behind which the real card stands.
    [[ $driver != dxgkrnl ]] || continue
    print_card "${folder##*/}" "$(vendor_name "$vendor")" \
      "${vendor#0x}:$(first_line "$folder/device" | sed 's/^0x//')" "${driver:-none}" "$folder"
  done
}

# In a container without /sys, and in WSL, only nvidia-smi knows the cards.
print_other_nvidia_cards() {
  local line address driver=nvidia
  if is_wsl; then driver=dxgkrnl; fi
  for line in "${smi_cards[@]}"; do
    address=$(normal_address "${line%%,*}")
    [[ " ${shown[*]} " == *" $address "* ]] || print_card "$address" nvidia unknown "$driver" none
  done
}

shown=()
mapfile -t smi_cards < <(ask_nvidia_smi)

main() {
  local pci=no wsl=no
  [[ ! -d $root/sys/bus/pci/devices ]] || pci=yes
  if is_wsl; then wsl=yes; fi
  echo "machine pci=$pci wsl=$wsl"
  print_pci_cards
  print_other_nvidia_cards
  # Windows has a card for WSL, and does not say whose.
  if [[ $wsl == yes && ${#shown[@]} -eq 0 ]]; then print_card unknown unknown unknown dxgkrnl none; fi
}

main
