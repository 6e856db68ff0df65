#!/usr/bin/env python3
"""Is the winner of `sweetspot tune --engine`, started by hand, as fast as the tune said?

The tune runs once. Then the llama-server command that it printed is started as it stands, with a port of its own, and asked
over HTTP for the tune's prompts and generations; what it took is the server's own clock (prompt_ms, and predicted_ms token by
token): the median time of a token, as the finals count, and all tokens by all time, which is what a chat shows. In turn with
it sweetspot-adapter measures the winner's config again, so that the drift of the machine since the finals is seen for what
it is: the ratio of the two says whether the command is what was measured, the intervals whether it still is as fast as the
finals said.

    bench/engine_winner.py .deps/models/demo-1.1b.gguf --max-minutes 10
    bench/engine_winner.py MODEL.gguf --no-rpc -p 128 -n 32 -d 0 --max-minutes 3
"""

import argparse
import contextlib
import json
import pathlib
import re
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from bench_tools import REPO, UNCERTAIN, Report, add_common, compare_in_turn, describe, device, device_of_its_own, device_words, timed
from workers_in_turn import Loaded

START_SECONDS = 300


def printed_command(screen):
    """The command on a screen: it begins with the engine's path and goes on behind backslashes."""
    found = re.search(r"^ +(\S*llama-server (?:.*\\\n)*.*)", screen, re.M)
    if found is None:
        sys.exit("the tune printed no command:\n" + screen)
    return shlex.split(found[1].replace("\\\n", ""))


def tune(args):
    """What it printed, and its run."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "run.json")
        words = [args.sweetspot, "tune", args.model, "--engine", args.engine, "--no-store", "-o", path, "-c", args.n_ctx,
                 "-p", args.n_prompt, "-n", args.n_gen, "-d", args.depth, "-t", args.threads,
                 "--max-minutes", args.max_minutes]
        words += ["--rpc", args.rpc] if args.rpc else []
        words += ["--max-seconds", args.max_seconds] if args.max_seconds else []
        _, screen = timed(words, may_end_with=(0, UNCERTAIN))
        return screen, json.loads(path.read_text())


class ByHand:
    """The printed command as a server, asked over HTTP."""

    def __init__(self, command, vocabulary):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self.vocabulary, self.asked = vocabulary, 0
        self.process = subprocess.Popen([*command, "--port", self.url.rsplit(":", 1)[1]], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit(f"{shlex.join(command)}\ndoes not serve")
            time.sleep(0.1)

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=30)

    def tokens(self, count, variant):
        """Numbers that are tokens and no two prompts share, behind those of the depth."""
        return [10 + (place * 7919 + variant * 104729) % (self.vocabulary - 20) for place in range(count)]

    def complete(self, tokens, n_predict):
        """The server's last timings, and the milliseconds of each generated token."""
        body = {"prompt": tokens, "n_predict": n_predict, "cache_prompt": True, "ignore_eos": True, "temperature": 0,
                "top_k": 1, "samplers": ["top_k"], "stream": True, "timings_per_token": True}
        request = urllib.request.Request(f"{self.url}/completion", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        timings, seen = None, []
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            for line in answer:
                event = json.loads(line[6:]) if line.startswith(b"data: {") else {}
                if "timings" in event:
                    timings = event["timings"]
                    seen.append((timings["predicted_n"], timings["predicted_ms"]))
        each = [(ms - before_ms) / (n - before) for (before, before_ms), (n, ms) in zip(seen, seen[1:]) if n > before]
        return timings, each

    def request(self, prompt, generated, depth):
        """Tokens per second of one request's prompt and generation, behind `depth` tokens that are in the cache."""
        before = self.tokens(depth, 0)
        if depth > 0:
            self.complete(before, 1)
        self.asked += 1
        timings, each = self.complete(before + self.tokens(prompt, self.asked), generated)
        return {"prompt": 1000 * timings["prompt_n"] / timings["prompt_ms"], "generation": 1000 / statistics.median(each),
                "by all time": 1000 * len(each) / sum(each)}


def again(loaded, prompt, generated, depth):
    """The same by the adapter: a generation stands behind depth and prompt."""
    return {"prompt": loaded.prompt(prompt, depth), "generation": loaded.generation(generated, depth + prompt),
            "by all time": loaded.whole}


def compare(args, report, screen, run):
    tuned, results = run["tune"], run["results"]
    if tuned["winner"] is None:
        sys.exit("the tune has no winner: " + tuned["verdict"])
    winner, asked = results[tuned["winner"]], run["workload"]
    report.say(f"tune says: {tuned['verdict']}")
    command = printed_command(screen)
    report.say(f"printed: {shlex.join([pathlib.Path(command[0]).name, '--model', 'MODEL', *command[3:]])}")
    report.say(f"winner:  {describe(winner)}")
    request = (asked["n_prompt"], asked["n_gen"], asked["n_depth"])
    with contextlib.ExitStack() as stack:
        second = stack.enter_context(device_of_its_own(args))
        by_hand = ByHand([second if word == args.rpc else word for word in command], run["model"]["n_vocab"])
        stack.callback(by_hand.end)
        loaded = Loaded(args, "sweetspot-adapter", winner["config"], args.rpc)
        stack.callback(loaded.end)
        by_hand.request(*request)
        again(loaded, *request)
        pairs = compare_in_turn(args.rounds, lambda: by_hand.request(*request), lambda: again(loaded, *request))
    for what in ("prompt", "generation"):
        said = winner[what]
        if said is None:
            continue
        hand, measured = ([one[side][what] for one in pairs] for side in (0, 1))
        low, high = said["ci95_low"], said["ci95_high"]
        middle = statistics.median(hand)
        within = "within" if low <= middle <= high else "outside"
        ratios = [a / b for a, b in zip(hand, measured)]
        report.say(f"{what:10} by hand {middle:8.2f} tok/s ({min(hand):.2f} to {max(hand):.2f}), {within} what the finals "
                   f"said, {said['tokens_per_second']:.2f} ({low:.2f} to {high:.2f}); by hand / the adapter in turn "
                   f"({statistics.median(measured):.2f}) {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), {len(pairs)} rounds")
    whole = [(a["by all time"], b["by all time"]) for a, b in pairs]
    ratios = [a / b for a, b in whole]
    report.say(f"generation by all time, stalls included: by hand {statistics.median(a for a, _ in whole):.2f} tok/s, the adapter "
               f"{statistics.median(b for _, b in whole):.2f}, ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to "
               f"{max(ratios):.3f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    add_common(parser)
    parser.add_argument("--engine", default=str(REPO / ".deps/llama/bin/llama-server"))
    parser.add_argument("-c", "--n-ctx", type=int, default=4096)
    parser.add_argument("-p", "--n-prompt", type=int, default=256)
    parser.add_argument("-n", "--n-gen", type=int, default=64)
    parser.add_argument("-d", "--depth", type=int, default=0)
    parser.add_argument("--max-minutes", type=float, default=10)
    parser.add_argument("--max-seconds", type=float, default=0, help="of one measurement (default: tune's own)")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    if args.quick:
        args.n_ctx, args.n_prompt, args.n_gen, args.max_minutes, args.max_seconds, args.rounds = 512, 64, 16, 1, 0.3, 3
    report = Report(args, "A tuned llama-server, started by hand", "engine-winner.md")
    with device(args):
        screen, run = tune(args)
        compare(args, report, screen, run)
        report.write("The winner of `sweetspot tune --engine`: the printed command, started as it stands and asked over "
                     "HTTP, beside what the finals said and what the adapter measures in turn with it. Speeds are the "
                     "server's own clock.", run, device_words(args))
    return 0


if __name__ == "__main__":
    sys.exit(main())
