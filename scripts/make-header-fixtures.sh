#!/usr/bin/env bash
# Writes the headers of well-known models, from their published geometry, without a vocabulary and without
# weights: some tens of kilobytes that say how large every tensor of the model is.
#
#   scripts/make-header-fixtures.sh [FOLDER]
#
# FOLDER is tests/fixtures/headers unless given. SWEETSPOT_BIN_DIR names the folder of the programs.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly sweetspot=${SWEETSPOT_BIN_DIR:-$build_dir/bin}/sweetspot
readonly folder=${1:-$repo_dir/tests/fixtures/headers}

# header NAME FLAGS...
header() {
  local name=$1
  shift
  "$sweetspot" synth "$folder/$name.gguf" --name "$name" --type q4_K --header-only --no-vocab "$@"
}

mkdir -p "$folder"
header zephyr-7b --arch llama --blocks 32 --embd 4096 --ff 14336 --heads 32 --kv-heads 8 \
  --vocab 32000 --ctx-train 32768
header llama-2-13b --arch llama --blocks 40 --embd 5120 --ff 13824 --heads 40 --kv-heads 40 \
  --vocab 32000 --ctx-train 4096
header llama-2-70b --arch llama --blocks 80 --embd 8192 --ff 28672 --heads 64 --kv-heads 8 \
  --vocab 32000 --ctx-train 4096
header mixtral-8x7b --arch llama --blocks 32 --embd 4096 --ff 14336 --heads 32 --kv-heads 8 \
  --vocab 32000 --ctx-train 32768 --experts 8 --experts-used 2
header qwen3-30b-a3b --arch qwen3moe --blocks 48 --embd 2048 --ff 6144 --heads 32 --kv-heads 4 \
  --head-dim 128 --vocab 151936 --ctx-train 40960 --experts 128 --experts-used 8 --expert-ff 768
header gemma-3-12b --arch gemma3 --blocks 48 --embd 3840 --ff 15360 --heads 16 --kv-heads 8 \
  --head-dim 256 --vocab 262208 --ctx-train 131072 --sliding-window 1024
header lfm2-1.2b --arch lfm2 --blocks 16 --embd 2048 --ff 8192 --heads 32 --kv-heads 8 \
  --vocab 65536 --ctx-train 128000 --attention-blocks 2,5,8,10,12,14
