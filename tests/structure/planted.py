"""How the checks of this folder are run, and how each proves that it sees the faults it is for."""

import pathlib
import sys
import tempfile


def faults_of(check_tree, files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return check_tree(root)


def self_test(check_tree, good_tree, planted_faults):
    """`planted_faults`: what must be said -> the files that are changed for it, with their texts."""
    problems = [f"a tree without fault was blamed: {fault}" for fault in faults_of(check_tree, good_tree)]
    for expected, (names, *texts) in planted_faults.items():
        found = faults_of(check_tree, {**good_tree, **dict(zip(names.split(), texts))})
        if not any(expected in fault for fault in found):
            problems.append(f'planted in {names}, not found: "{expected}" (found: {found})')
    return problems


def main(usage, check_tree, good_tree, planted_faults):
    """The exit code; `check_tree` takes a folder and gives sentences."""
    arguments = sys.argv[1:]
    if len(arguments) != 1:
        print(usage, file=sys.stderr)
        return 2
    if arguments[0] == "--self-test":
        faults = self_test(check_tree, good_tree, planted_faults)
    else:
        faults = check_tree(pathlib.Path(arguments[0]))
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0
