#!/usr/bin/env bash
# Sets up, builds, makes a model of 1.1 billion random weights and profiles it on the devices of this
# machine. Arguments go to `sweetspot profile` after the demo's own. Nothing is done twice: the second
# run goes straight to measuring.
#
#   scripts/demo.sh [ARGUMENTS]
#   scripts/demo.sh --record FILE.svg [ARGUMENTS]   the same on a terminal of 80 columns, recorded: docs/demo.svg
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$repo_dir"
readonly sweetspot=build/bin/sweetspot
readonly model=${deps_dir#"$repo_dir"/}/models/demo-1.1b.gguf
readonly host=127.0.0.1

server=

# TinyLlama's geometry. Random weights run exactly as fast as trained ones; the text they write is noise.
make_model() {
  [[ ! -f $model ]] || return 0
  say "making $(basename "$model") in $(dirname "$model") (once, about 0.7 GB)"
  mkdir -p "$(dirname "$model")"
  "$sweetspot" synth "$model" --arch llama --blocks 22 --embd 2048 --ff 5632 --heads 32 --kv-heads 4 \
    --vocab 32000 --type q4_K
}

has_gpu() { "$sweetspot" devices --json | grep -qE '"type": *"i?gpu"'; }

accepts() { (exec 3<>"/dev/tcp/$host/$1") 2>/dev/null; }

free_port() {
  local port
  for port in $(seq 50052 50151); do
    if ! accepts "$port"; then
      printf '%s' "$port"
      return
    fi
  done
  fail "looking for a free port" "all of 50052 to 50151 on $host are taken" "end some of what listens there"
}

stop_server() {
  [[ -n $server ]] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}

# start_server PORT: ggml's RPC server, which is a device of its own to llama.cpp.
start_server() {
  local log=build/demo-server.log tries
  "$sweetspot" serve --listen "$host:$1" </dev/null >"$log" 2>&1 &
  server=$!
  for tries in $(seq 100); do
    if accepts "$1"; then return; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 5 "$log" >&2
  fail "starting the RPC server for the demo" "it did not listen on $host:$1 (try $tries; its last lines are above)" \
    "run '$sweetspot serve --listen $host:$1' to see what it says"
}

# record FILE COMMAND...: runs the command on a terminal of its own and makes an animation of what that shows.
record() {
  local file=$1 played=build/demo-recorded.sh
  shift
  {
    printf '#!/usr/bin/env bash\n'
    [[ -z $note ]] || printf 'echo %q\n' "# $note"
    printf 'echo %q\nsleep 1\n' "\$ ${*//build\/bin\//}"
    printf '%q ' "$@"
    # shellcheck disable=SC2016
    printf '\nstatus=$?\nsleep 4\nexit $status\n'
  } >"$played"
  chmod +x "$played"
  # The length of a frame says what was seen; more than two seconds of nothing new are cut.
  script -qec "stty cols 80 rows 28; exec termtosvg '$file' -c $played -g 80x28 -m 100 -M 2000 -D 5000 -t window_frame" \
    /dev/null >build/demo-recording.log 2>&1 || {
    tail -n 5 build/demo-recording.log >&2
    fail "recording the demo" "termtosvg did not succeed (its last lines are above)" "run it without --record to see what fails"
  }
  say "$file: $(($(wc -c <"$file") / 1024)) KiB"
}

main() {
  local port where=() status=0 results recording='' note='' measured=(--n-prompt 128 --n-gen 64 --max-seconds 6)
  if [[ ${1:-} == --record ]]; then
    recording=${2:?--record needs the name of a file}
    shift 2
    "$repo_dir/scripts/setup-packages.sh" record
  fi
  "$repo_dir/scripts/build.sh" demo
  make_model
  if ! has_gpu; then
    port=$(free_port)
    trap stop_server EXIT
    trap 'exit 143' TERM # deferred by bash until what runs in the foreground has ended
    start_server "$port"
    # The limit pretends a small card, so that the bands of the profiles mean something. It demonstrates the program:
    # shorter passes than a card deserves do.
    where=(--rpc "$host:$port" --vram-limit 900MiB)
    measured=(--n-prompt 64 --n-gen 32 --max-seconds 2)
    say "No GPU that llama.cpp can use: this demonstrates the program, and its speeds say nothing of a graphics card. The" \
      "device is ggml's RPC device, a second process on loopback ($host:$port)."
    note="No GPU here: the device is ggml's RPC device, on the same processor."
  fi
  mkdir -p build/results
  results=build/results/demo-$(date +%Y%m%d-%H%M%S).json
  # No application is to load what belongs to a server that is gone.
  set -- "$sweetspot" profile "$model" -c 512 "${measured[@]}" --no-store "${where[@]}" \
    -o "$results" "$@"
  if [[ -n $recording ]]; then
    record "$recording" "$@" --adaptive
  else
    "$@" || status=$?
  fi
  stop_server
  return "$status"
}

main "$@"
