"""Workers asked in their own protocol, several loaded at once, so that one measures right after the other."""

import os
import pathlib
import statistics
import sys

from bench_tools import REPO


def worker_class(program):
    """tests/system/worker_client.py's Worker, of the programs beside `program`."""
    os.environ.setdefault("SWEETSPOT_BIN_DIR", str(pathlib.Path(program).resolve().parent))
    os.environ.setdefault("SWEETSPOT_SOURCE_DIR", str(REPO))
    sys.path.insert(0, str(REPO / "tests/system"))
    from worker_client import Worker  # pylint: disable=import-outside-toplevel
    return Worker


def cpu_ms_of(pid):
    """What its threads took of the processors so far, which neighbours change less than the time on the clock."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Loaded:
    """A model loaded by one worker; `memory` is what the worker says it took."""

    def __init__(self, args, program, config, rpc=None):
        self.cpu_ms = 0.0  # of the last measurement: processor time of the process that computes
        self.whole = 0.0  # and its tokens per second by the time of all samples, as llama-bench counts
        environment = {**os.environ, "SWEETSPOT_ENGINE": args.engine}
        self.worker = worker_class(args.sweetspot)(environment, rpc=[rpc] if rpc else [], program=program)
        self.worker.ask("load", path=os.path.abspath(args.model), config=config, slice=None)
        made = self.worker.ask("context", config=config)
        self.memory = made["memory"]
        self.pid = made.get("pid") or self.worker.process.pid

    def end(self):
        self.worker.__exit__()

    def speed(self, kind, tokens, depth, samples):
        """Tokens per second, by the median of the samples."""
        ms, of_each = [], []

        def sample(event):
            ms.append(event["duration_ms"])
            of_each.append(event["tokens"])

        before = cpu_ms_of(self.pid)
        self.worker.ask("measure", on_sample=sample, kind=kind, cache_tokens=depth, tokens_per_pass=tokens,
                        max_samples=samples)
        self.cpu_ms = cpu_ms_of(self.pid) - before
        self.whole = 1000 * sum(of_each) / sum(ms)
        return 1000 / statistics.median(one / count for one, count in zip(ms, of_each))

    def prompt(self, tokens, depth):
        """One prompt."""
        return self.speed("prompt", tokens, depth, 1)

    def generation(self, tokens, depth):
        """So many tokens, one after the other."""
        return self.speed("generation", tokens, depth, tokens)
