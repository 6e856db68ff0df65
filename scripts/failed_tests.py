#!/usr/bin/python3
"""What the tests that failed printed in the last run of ctest: where a log is cut, its end is what is left of it."""

import pathlib
import re
import sys

MOST_LINES = 60


def main() -> int:
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    failed = build / "Testing/Temporary/LastTestsFailed.log"
    log = build / "Testing/Temporary/LastTest.log"
    if not failed.exists() or not log.exists():
        return 0
    names = {line.split(":", 1)[1] for line in failed.read_text().splitlines() if ":" in line}
    for part in re.split(r"^\d+/\d+ Testing: ", log.read_text(errors="replace"), flags=re.MULTILINE)[1:]:
        name, _, rest = part.partition("\n")
        if name not in names:
            continue
        printed = rest.partition("Output:\n")[2].partition("<end of output>")[0].splitlines()
        print(f"failed: {name}", *printed[-MOST_LINES:], sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
