# Which of ggml's backends serves which card, in sentences; sourced by scripts/setup-llama.sh, never run.
# Cards are the lines of scripts/detect-gpu.sh, backends are vulkan, cuda and hip. Nothing here reads or
# changes the machine.
# shellcheck shell=bash

# As measured (docs/install.md), so that nobody loads them without knowing.
readonly cuda_price="loads 323 MB, 1.1 GB on disk, under NVIDIA's licence"
readonly hip_price="loads 458 MB, 5.7 GB on disk, free software"

# The kernels of Debian's CUDA backend: native ones for these compute capabilities, which any driver for
# CUDA 12 runs, and CUDA 12.4's PTX from 5.0 on, which only a driver as new as that can compile.
readonly cuda_native="8.6 8.9" cuda_driver_native=525 cuda_driver_other=550 cuda_least_capability=50

# field LINE NAME
field() {
  local rest=" $1 "
  [[ $rest == *" $2="* ]] || return 0
  rest=${rest#*" $2="}
  printf '%s' "${rest%% *}"
}

# lacks CARD WHAT
lacks() { [[ ,$(field "$1" missing), == *",$2,"* ]]; }

is_nvidia() { [[ $(field "$1" vendor) == nvidia ]]; }
is_amd() { [[ $(field "$1" vendor) == amd ]]; }
is_behind_wsl() { [[ $(field "$1" kernel-driver) == dxgkrnl ]]; }

card_name() {
  local name
  case $(field "$1" vendor) in
    nvidia) name="NVIDIA card" ;;
    amd) name="AMD card" ;;
    intel) name="Intel card" ;;
    other) name="display adapter $(field "$1" id)" ;;
    *) name="Windows' card" ;;
  esac
  [[ $(field "$1" address) == unknown ]] || name+=" at $(field "$1" address)"
  printf '%s' "$name"
}

# Why no backend can use a card, whichever it is; nothing where one can.
misfit() {
  local driver right
  driver=$(field "$1" kernel-driver)
  case $(field "$1" vendor) in
    nvidia) right=nvidia ;;
    amd) right=amdgpu ;;
    intel) right="i915 or xe" ;;
    other) echo "no backend of llama.cpp computes on it" && return ;;
  esac
  if lacks "$1" kernel-driver; then
    if [[ $driver == none ]]; then
      echo "no driver is loaded ($right)"
    else
      echo "its driver is $driver, not $right"
    fi
  elif lacks "$1" device-files; then
    echo "its files in /dev are not here; a container has to be given the card"
  fi
}

vulkan_misfit() {
  local why
  why=$(misfit "$1")
  if [[ -z $why ]] && is_behind_wsl "$1" && lacks "$1" vulkan-driver; then
    why="WSL has no Vulkan driver for it"
  fi
  printf '%s' "$why"
}

cuda_misfit() {
  local why version capability least=$cuda_driver_other
  why=$(misfit "$1")
  version=$(field "$1" version)
  capability=$(field "$1" capability)
  [[ " $cuda_native " != *" $capability "* ]] || least=$cuda_driver_native
  if ! is_nvidia "$1"; then
    why="CUDA is for NVIDIA's cards"
  elif [[ -n $why ]]; then
    :
  elif [[ $(field "$1" kernel-driver) == nouveau ]]; then
    why="its driver is nouveau, and CUDA needs NVIDIA's own"
  elif [[ $capability != unknown && ${capability/./} -lt $cuda_least_capability ]]; then
    why="compute capability $capability is lower than this CUDA backend takes (5.0)"
  elif [[ ! $version =~ ^[0-9]+ ]]; then
    why="the version of its driver cannot be read (/proc/driver/nvidia/version, nvidia-smi)"
  elif [[ ${version%%.*} -lt $least ]]; then
    why="driver ${version%%.*} is older than this CUDA backend takes ($least)"
  fi
  printf '%s' "$why"
}

hip_misfit() {
  local why
  why=$(misfit "$1")
  if ! is_amd "$1"; then
    why="ROCm is for AMD's cards"
  elif [[ -z $why ]] && lacks "$1" kfd; then
    why="/dev/kfd, which ROCm needs, is not here"
  fi
  printf '%s' "$why"
}

# serving CARD BACKEND...: the one of them that llama.cpp takes for the card; nothing where none fits.
serving() {
  local card=$1 backend
  shift
  for backend in cuda hip vulkan; do
    [[ " $* " == *" $backend "* && -z $("${backend}_misfit" "$card") ]] || continue
    printf '%s' "$backend"
    return
  done
}

# Whether a backend that was asked for has a card here. Where its maker has none here at all it is for
# another machine, as when an image is built.
has_use() {
  local backend=$1 card any=no
  shift
  for card in "$@"; do
    [[ $backend:$(field "$card" vendor) == @(cuda:nvidia|hip:amd) ]] || continue
    any=yes
    [[ -n $("${backend}_misfit" "$card") ]] || return 0
  done
  [[ $any == no ]]
}

# wanted_backends WISH "BACKENDS THERE" CARD...: all that the prefix is to have. Vulkan comes in for each
# card that nothing else serves: it is small, and every maker's driver has it.
wanted_backends() {
  local wish=$1 card wanted
  read -ra wanted <<<"$2"
  shift 2
  case $wish in
    none) set -- ;;
    vulkan) wanted+=(vulkan) ;;
    cuda | hip) ! has_use "$wish" "$@" || wanted+=("$wish") ;;
  esac
  for card in "$@"; do
    if [[ -z $(serving "$card" "${wanted[@]}") && -z $(vulkan_misfit "$card") ]]; then wanted+=(vulkan); fi
  done
  [[ ${#wanted[@]} -eq 0 ]] || printf '%s\n' "${wanted[@]}" | sort -u
}

backend_name() {
  case $1 in
    cuda) echo CUDA ;;
    hip) echo ROCm ;;
    vulkan) echo Vulkan ;;
  esac
}

missing_vulkan_driver() {
  if is_nvidia "$1" && [[ $(field "$1" kernel-driver) == nvidia ]]; then
    echo "install the Vulkan part of NVIDIA's driver (nvidia-vulkan-icd, in Ubuntu libnvidia-gl)"
  else
    echo "install mesa-vulkan-drivers"
  fi
}

# What has to be known besides about a card that a backend serves.
reservations() {
  local card=$1 backend=$2 capability
  capability=$(field "$card" capability)
  if [[ $backend == cuda && " $cuda_native " != *" $capability "* ]]; then
    printf '; its first run compiles for the card, which takes minutes'
  fi
  if lacks "$card" permission; then
    printf ', but this user may not open its files in /dev: have it added to their group (render, video)'
  fi
  if [[ $backend == vulkan ]] && lacks "$card" vulkan-driver; then
    printf ', but this system has no Vulkan driver for it: %s' "$(missing_vulkan_driver "$card")"
  fi
}

# Why a card is not served by what was wished for.
refusal() {
  local wish=$1 card=$2 why
  case $wish:$(field "$card" vendor) in
    cuda:nvidia | hip:amd) why=$("${wish}_misfit" "$card") ;;
    *) why=$(vulkan_misfit "$card") ;;
  esac
  if [[ -z $why && $wish == none ]]; then why="no backend was asked for (GPU=none)"; fi
  printf '%s' "${why:-this llama.cpp has no backend for it}"
}

# card_sentence WISH CARD BACKEND...: what was taken for the card, or why nothing was.
card_sentence() {
  local wish=$1 card=$2 taken why
  shift 2
  taken=$(serving "$card" "$@")
  if [[ -z $taken ]]; then
    why="$(refusal "$wish" "$card")"
    if is_behind_wsl "$card" && [[ $wish != cuda && -z $(cuda_misfit "$card") ]]; then
      why+="; CUDA works there: GPU=cuda make demo ($cuda_price)"
    fi
    echo "$(card_name "$card"): $why"
    return
  fi
  why=
  if [[ $wish:$taken == @(cuda|hip):vulkan && $wish:$(field "$card" vendor) == @(cuda:nvidia|hip:amd) ]]; then
    why="$(refusal "$wish" "$card"): "
  fi
  echo "$(card_name "$card"): $why$(backend_name "$taken") is used$(reservations "$card" "$taken")"
}

# faster_backends "BACKENDS" CARD...: what would be faster than Vulkan, at which price.
faster_backends() {
  local there card
  read -ra there <<<"$1"
  shift
  for card in "$@"; do
    [[ $(serving "$card" "${there[@]}") == vulkan ]] || continue
    [[ -n $(cuda_misfit "$card") ]] || echo "CUDA is usually faster than Vulkan: GPU=cuda make demo ($cuda_price)"
    [[ -n $(hip_misfit "$card") ]] || echo "ROCm can be faster than Vulkan: GPU=hip make demo ($hip_price)"
  done | sort -u
}
