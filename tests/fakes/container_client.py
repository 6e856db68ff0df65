#!/usr/bin/python3
"""Plays the command of a container engine: `run [--rm] [--name N] [-v OUTSIDE:INSIDE] IMAGE ARGUMENTS...`.

As with the real ones, the server is started by somebody else, the daemon behind the socket CONTAINER_SOCKET names: this
program only passes its output on, and SIGTERM to it. Killed itself it leaves the server running.
"""

import json
import os
import signal
import socket
import sys


def main():
    request = {"name": "", "mounts": [], "arguments": []}
    words = sys.argv[1:]
    if not words or words.pop(0) != "run":
        sys.exit("container: the command is run")
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "--name":
            request["name"] = words.pop(0)
        elif option == "-v":
            request["mounts"].append(words.pop(0).split(":"))
        elif option != "--rm":
            sys.exit(f"container: unknown option {option}")
    request["arguments"] = words[1:]
    daemon = socket.socket(socket.AF_UNIX)
    daemon.connect(os.environ["CONTAINER_SOCKET"])
    signal.signal(signal.SIGTERM, lambda *_: daemon.sendall(b"stop\n"))
    daemon.sendall(json.dumps(request).encode() + b"\n")
    for line in daemon.makefile("rb"):
        kind, text = line[:1], line[1:]
        if kind == b"x":
            sys.exit(int(text))
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
