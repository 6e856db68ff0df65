#!/usr/bin/env python3
"""Compares the requirements that the tree names with docs/requirements.md, and that page with the tests.

check_requirements.py ROOT         checks a source tree; prints each fault as file:line: sentence
check_requirements.py --self-test  plants faults in a small tree and expects each to be found
"""

import ast
import pathlib
import re
import sys

import planted

PAGE = "docs/requirements.md"
FOLDERS = ("src", "include", "tests", "bench", "docs", "examples", "scripts")
SUFFIXES = {".hpp", ".cpp", ".h", ".c", ".py", ".md", ".txt", ".sh", ".cmake", ".in"}
TAG = re.compile(r"\b[RM][1-9][0-9]?\b")
HEADING = re.compile(r"^### ([RM][0-9]+)\. \S")
PROOF = re.compile(r"^- `(tests/[^`]+)`:(.*)$")
NOT_TESTED = re.compile(r"^- Not tested: \S")
NAME = re.compile(r"`([^`]+)`")


class Requirement:
    def __init__(self, tag, line):
        self.tag, self.line = tag, line
        self.proofs = []  # (line, file, name of a test)
        self.says_what_is_not_tested = False


def read_page(text):
    """The requirements of the page in its order. A list item goes on where its next lines are indented."""
    requirements, file = [], None
    for number, line in enumerate(text.splitlines(), 1):
        heading, proof = HEADING.match(line), PROOF.match(line)
        names = []
        if heading:
            requirements.append(Requirement(heading.group(1), number))
        if proof:
            file, names = proof.group(1), NAME.findall(proof.group(2))
        elif line.startswith("  ") and file:
            names = NAME.findall(line)
        else:
            file = None
        if requirements:
            requirements[-1].proofs += [(number, file, name) for name in names]
            requirements[-1].says_what_is_not_tested |= bool(NOT_TESTED.match(line))
    return requirements


def tests_of(path):
    """The names of the tests that a file defines."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".cpp":
        found = re.findall(r"^(?:TEST|TEST_F|TEST_P|RC_GTEST_PROP)\(\s*(\w+),\s*(\w+)", text, re.MULTILINE)
        return {f"{suite}.{name}" for suite, name in found}
    if path.suffix == ".py":
        classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
        return {f"{one.name}.{item.name}" for one in classes for item in one.body
                if isinstance(item, ast.FunctionDef)}
    if path.name == "CMakeLists.txt":
        return set(re.findall(r"add_test\(\s*NAME\s+(\S+)", text)) | {
            f"{path.parent.name}.{name}" for name in re.findall(r"^sweetspot_system_test\((\w+)", text, re.MULTILINE)}
    return set()


def where_else(root, name):
    """A sentence about where a test of this name is now, or nothing."""
    for path in sorted((root / "tests").rglob("*_test.*")):
        if name in tests_of(path):
            return f"; it is in {path.relative_to(root)}"
    return ""


def check_proofs(root, requirements):
    known = {}
    for requirement in requirements:
        if not requirement.proofs and not requirement.says_what_is_not_tested:
            yield f"{PAGE}:{requirement.line}: {requirement.tag} names no test and does not say that there is none"
        for line, file, name in requirement.proofs:
            if file not in known:
                path = root / file
                known[file] = tests_of(path) if path.is_file() else set()
            if name not in known[file]:
                yield f"{PAGE}:{line}: {file} has no test {name}{where_else(root, name)}"


def check_tags(root, requirements):
    listed = {requirement.tag for requirement in requirements}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in SUFFIXES or path == root / PAGE or path.name == pathlib.Path(__file__).name:
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                for tag in TAG.findall(line):
                    if tag not in listed:
                        yield f"{path.relative_to(root)}:{number}: {tag} is not in {PAGE}"


def check_tree(root):
    if not (root / PAGE).is_file():
        return [f"{PAGE}: is not there"]
    requirements = read_page((root / PAGE).read_text(encoding="utf-8"))
    faults = [] if requirements else [f"{PAGE}: no requirement was found"]
    tags = [requirement.tag for requirement in requirements]
    faults += [f"{PAGE}: {tag} stands there twice" for tag in sorted(set(tags)) if tags.count(tag) > 1]
    return faults + [*check_proofs(root, requirements), *check_tags(root, requirements)]


GOOD_TREE = {
    PAGE: "# Requirements\n### R1. One\nText.\n- `tests/a/a_test.cpp`: `A.One`,\n  `A.Two`\n"
          "- `tests/b/b_test.py`: `B.test_one`\n### M2. Two\n- Not tested: this is not built.\n"
          "### R3. Three\n- `tests/system/CMakeLists.txt`: `system.c`, `structure.d`\n",
    "tests/a/a_test.cpp": "// R1, M2\nTEST(A, One) {}\nTEST_F(A, Two) {}\n",
    "tests/b/b_test.py": "class B:\n    def test_one(self):\n        pass\n",
    "tests/system/CMakeLists.txt": "sweetspot_system_test(c TIMEOUT 9)\nadd_test(NAME structure.d COMMAND x)\n",
    "src/core/a.hpp": "// Absent is not zero (R1). R1000 and XR77 are no numbers of requirements.\n",
}

PLANTED_FAULTS = {
    "R9 is not in docs/requirements.md": ("src/core/b.hpp", "// as asked for (R9)\n"),
    "M9 is not in docs/requirements.md": ("docs/other.md", "See M9.\n"),
    "has no test A.Two": ("tests/a/a_test.cpp", "TEST(A, One) {}\n"),
    "has no test B.test_one; it is in tests/c/c_test.py": (
        "tests/b/b_test.py tests/c/c_test.py", "class C:\n    pass\n", "class B:\n    def test_one(self):\n        pass\n"),
    "has no test system.c": ("tests/system/CMakeLists.txt", "add_test(NAME structure.d COMMAND x)\n"),
    "names no test and does not say": (PAGE, "### R1. One\n### M2. Two\n- Not tested: no.\n"),
    "R1 stands there twice": (PAGE, "### R1. One\n- Not tested: no.\n### R1. One\n- Not tested: no.\n### M2. Two\n"),
    "no requirement was found": (PAGE, "# Requirements\n"),
}


if __name__ == "__main__":
    sys.exit(planted.main(__doc__, check_tree, GOOD_TREE, PLANTED_FAULTS))
