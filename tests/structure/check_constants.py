#!/usr/bin/env python3
"""Holds docs/search-constants.md against the sources: each row against its file, each number against a row.

check_constants.py ROOT         checks a source tree; prints each fault as file:line: sentence
check_constants.py --self-test  plants faults in a small tree and expects each to be found
"""

import re
import sys

import planted

PAGE = "docs/search-constants.md"
ROOMS = ("src/search", "src/tune")
ROW = re.compile(r"^\| `([^`]+)` \| (.+?) \| `(src/[^`]+)` \|")
CONSTANT = re.compile(r"\bconstexpr\s+(?!const char\b)[^;()]*?\b(k[A-Z]\w*)\s*[={]")
IDENTIFIER = re.compile(r"^[A-Za-z_]\w*$")


def squeezed(text):
    return re.sub(r"\{ ", "{", re.sub(r"\s+", " ", text))


def says(source, name, value):
    """Whether `source` gives `name` that value; of a name that is none (A::b), whether the value stands there."""
    if not IDENTIFIER.match(name):
        return value in source
    return re.search(rf"\b{name} ?(= ?{re.escape(value)}|{re.escape(value)});", source) is not None


def check_row(root, where, name, values, path):
    file = root / path
    if not file.is_file():
        return [f"{where}: there is no {path}"]
    source = squeezed(file.read_text(encoding="utf-8"))
    return [
        f"{where}: {path} does not say that {name} is {value}" for value in values if not says(source, name, value)
    ]


def check_page(root):
    faults, rows = [], set()
    for number, line in enumerate((root / PAGE).read_text(encoding="utf-8").splitlines(), 1):
        row = ROW.match(line)
        if row:
            name, values, path = row.group(1), re.findall(r"`([^`]+)`", row.group(2)), row.group(3)
            rows.add((name, path))
            faults += check_row(root, f"{PAGE}:{number}", name, values, path)
    return faults, rows


def check_sources(root, rows):
    for room in ROOMS:
        for path in sorted((root / room).glob("*.?pp")):
            where = str(path.relative_to(root))
            for name in CONSTANT.findall(path.read_text(encoding="utf-8")):
                if (name, where) not in rows:
                    yield f"{where}: {name} has no row in {PAGE}"


def check_tree(root):
    faults, rows = check_page(root)
    if not rows:
        faults.append(f"{PAGE}: no row was found")
    return faults + list(check_sources(root, rows))


GOOD_TREE = {
    PAGE: "| name | value | file |\n| --- | --- | --- |\n"
    "| `kHalf` | `0.5` | `src/search/a.cpp` | x |\n"
    "| `kGrid` | `{{1, 2}, {3, 4}}` | `src/search/a.cpp` | x |\n"
    "| `A::prior` | `2 * ms`, `3 * ms` | `src/tune/b.cpp` | x |\n",
    "src/search/a.cpp": "constexpr double kHalf = 0.5;\nconstexpr std::array<int, 2> kGrid = {{1, 2},\n  {3, 4}};\n"
    'constexpr const char* kWord = "w";\n',
    "src/tune/b.cpp": "return {2 * ms, 3 * ms};\n",
}

PLANTED_FAULTS = {
    "does not say that kHalf is 0.5": ("src/search/a.cpp", "constexpr double kHalf = 0.55;\n"),
    "does not say that kGrid is": ("src/search/a.cpp", "constexpr double kHalf = 0.5;\n"),
    "does not say that A::prior is 3 * ms": ("src/tune/b.cpp", "return {2 * ms};\n"),
    "there is no src/tune/gone.cpp": (PAGE, "| `kHalf` | `0.5` | `src/tune/gone.cpp` | x |\n"),
    "kNew has no row": ("src/tune/c.hpp", "inline constexpr std::uint32_t kNew{4};\n"),
    "no row was found": (PAGE, "# nothing\n"),
}


if __name__ == "__main__":
    sys.exit(planted.main(__doc__, check_tree, GOOD_TREE, PLANTED_FAULTS))
