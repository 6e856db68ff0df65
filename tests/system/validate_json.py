#!/usr/bin/python3
"""Checks a JSON file against a JSON Schema (draft 7).

    validate_json.py SCHEMA FILE

Prints one line per fault, with its place, and exits with 0 (valid), 1 (not valid) or 2 (a file or the
jsonschema module is missing, or the schema itself is wrong). NaN and Infinity are not JSON here.
"""

import json
import pathlib
import sys

MAX_SHOWN = 10


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def no_duplicates(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has two members of one name")
    return members


def load(path):
    return json.loads(
        pathlib.Path(path).read_text(encoding="utf-8"),
        parse_constant=no_constant,
        object_pairs_hook=no_duplicates,
    )


def validator_for(schema_path):
    """A validator whose relative references are files beside the schema."""
    import jsonschema

    schema = load(schema_path)
    jsonschema.Draft7Validator.check_schema(schema)
    resolver = jsonschema.RefResolver(pathlib.Path(schema_path).resolve().as_uri(), schema)
    return jsonschema.Draft7Validator(schema, resolver=resolver)


def place(error):
    return "/" + "/".join(str(step) for step in error.absolute_path)


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    schema_path, file_path = arguments
    try:
        validator = validator_for(schema_path)
    except ImportError:
        print("the Python module jsonschema is missing: install python3-jsonschema", file=sys.stderr)
        return 2
    except Exception as error:  # whatever is wrong with a schema, it is not the file's fault
        print(f"{schema_path}: not a usable schema: {error}", file=sys.stderr)
        return 2
    try:
        document = load(file_path)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"{file_path}: not JSON: {error}")
        return 1
    errors = sorted(validator.iter_errors(document), key=lambda e: [str(s) for s in e.absolute_path])
    for error in errors[:MAX_SHOWN]:
        print(f"{file_path}: {place(error)}: {error.message[:300]}")
    if len(errors) > MAX_SHOWN:
        print(f"{file_path}: {len(errors) - MAX_SHOWN} more")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
