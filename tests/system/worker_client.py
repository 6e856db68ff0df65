"""A worker asked in its own words (docs/protocol.md), without the supervisor."""

import contextlib
import json
import os
import re
import subprocess

from harness import BIN, SOURCE

# The version that the worker was built with: what changes with it shows in the tests themselves.
PROTOCOL_VERSION = int(re.search(r"kVersion = (\d+)",
                                 (SOURCE / "src/protocol/messages.hpp").read_text())[1])


class Refused(Exception):
    """The worker answered with a fault."""

    def __init__(self, fault):
        super().__init__(f"{fault.get('code')}: {fault.get('message')}")
        self.fault = fault


class Worker:
    """One process; `with` ends it. `devices`, `engine` and `abilities` are what it said in its greeting."""

    def __init__(self, environment, rpc=(), program="sweetspot-worker"):
        requests, self._requests = os.pipe()
        self._events, events = os.pipe()

        def place_descriptors():
            # Copies first: one of the two may itself be 3 or 4.
            copies = os.dup(requests), os.dup(events)
            os.dup2(copies[0], 3)
            os.dup2(copies[1], 4)

        self._log = []
        self.process = subprocess.Popen([BIN / program], env=environment,
                                        preexec_fn=place_descriptors, close_fds=False,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(requests)
        os.close(events)
        self._to = os.fdopen(self._requests, "w")
        self._from = os.fdopen(self._events)
        self._last_id = 0
        greeting = self.ask("hello", version=PROTOCOL_VERSION, rpc=list(rpc))
        self.engine = greeting["engine"]
        self.devices = greeting["devices"]
        self.abilities = greeting["abilities"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._to.close()  # a worker that nobody can ask ends
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._from.close()

    def measure(self, **fields):
        """The milliseconds of each sample of a measurement, in order."""
        times = []
        self.ask("measure", on_sample=lambda event: times.append(event["duration_ms"]), **fields)
        return times

    def stop(self):
        """Ends the measurement in flight; to be called from its `on_sample`."""
        self._to.write(json.dumps({"id": self._last_id, "request": "stop"}) + "\n")
        self._to.flush()

    def ask(self, request, on_sample=lambda event: None, **fields):
        """The result of a request; raises Refused where it is a fault."""
        self._last_id += 1
        line = json.dumps({"id": self._last_id, "request": request, **fields})
        self._to.write(line + "\n")
        self._to.flush()
        for line in self._from:
            event = json.loads(line)
            if event["id"] == 0 and event["event"] == "fault":
                raise AssertionError(f"the worker did not understand {request}: {event}")
            if event["id"] != self._last_id:
                continue
            if event["event"] == "sample":
                on_sample(event)
            if event["event"] == "done":
                return event["result"]
            if event["event"] == "fault":
                raise Refused(event)
        raise AssertionError(f"the worker ended while asked to {request}: {self.process.wait()}")
