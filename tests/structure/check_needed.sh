#!/bin/sh
# check_needed.sh PROGRAM: fails when PROGRAM needs a library of llama.cpp or of a GPU.
# What is opened at run time (NVML) is not needed, and does not count.
set -eu
needed=$(LC_ALL=C readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[ -n "$needed" ] || { echo "$1: readelf names no needed library at all"; exit 2; }
forbidden=$(printf '%s\n' "$needed" |
  grep -iE '^lib(llama|ggml|mtmd|cuda|cublas|nv|vulkan|amdhip|hip|roc|hsa|OpenCL|ze_loader|sycl)' || true)
[ -z "$forbidden" ] || { printf '%s must not need:\n%s\n' "$1" "$forbidden"; exit 1; }
