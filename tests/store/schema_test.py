#!/usr/bin/python3
"""Proves that the schemas say what they should, on files that the program really wrote.

    schema_test.py VALIDATOR SCHEMA FILE...

The files must be valid, and each of these changes must make them invalid: any member of any object taken
away, any member added, any null without its reason, any reason for a value that is there. SCHEMA is that of
runs; those of devices and of profile sets lie beside it. The one of devices is tested on the devices of the
runs. VALIDATOR is validate_json.py, whose exit codes are tested as well.
"""

import copy
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

VALIDATOR, SCHEMA, *FILES = sys.argv[1:]

specification = importlib.util.spec_from_file_location("validate_json", VALIDATOR)
validate_json = importlib.util.module_from_spec(specification)
specification.loader.exec_module(validate_json)


# Null where there is nothing to point at or no signal came: no missing readings.
NULL_WITHOUT_REASON = {"optimum", "fastest", "signal", "doubt", "baseline", "winner"}


def may_be_null(path, key):
    return key in NULL_WITHOUT_REASON and "rounds" not in path or key == "layers" and "decisions" in path


def all_objects(document, path=()):
    if isinstance(document, dict):
        yield path, document
        for key, value in document.items():
            yield from all_objects(value, (*path, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from all_objects(value, (*path, index))


def objects(document):
    """The objects of the document with the steps that lead to each; of those alike, the first."""
    seen = set()
    for path, members in all_objects(document):
        place = tuple("*" if isinstance(step, int) else step for step in path)
        shape = (place, tuple((key, type(value)) for key, value in members.items()))
        if shape not in seen:
            seen.add(shape)
            yield path, members


def changed(document, path, change):
    document = copy.deepcopy(document)
    target = document
    for step in path:
        target = target[step]
    change(target)
    return document


def devices_of(run):
    """What `sweetspot devices --json` would print on the machine of that run."""
    memory = {"source": "ggml", "total_bytes": 7, "used_bytes": None, "free_bytes": 5}
    memory["absent"] = {"used_bytes": "ggml does not tell"}
    return {
        "schema": "sweetspot.devices/1",
        "read_at": run["started_at"],
        "engine": run["engine"],
        "devices": [{**device, "memory": memory} for device in run["devices"]],
        "other_devices": [d["status"] for d in run["devices"] if d["status"]],
        "notes": ["a note"],
    }


class Bent:
    """The changes that no document of a schema may survive."""

    schema = None
    documents = []

    @classmethod
    def setUpClass(cls):
        assert cls.documents, "no sample files were given"
        cls.validator = validate_json.validator_for(cls.schema)

    def refuse(self, document, what):
        self.assertFalse(self.validator.is_valid(document), f"still valid with {what}")

    def test_real_files_are_valid(self):
        for document in self.documents:
            self.assertEqual([], [e.message for e in self.validator.iter_errors(document)])

    def test_every_member_is_required(self):
        for document in self.documents:
            for path, members in objects(document):
                for key in members:
                    # One reason among several goes without notice here; the test below looks at them.
                    if path and path[-1] == "absent":
                        continue
                    self.refuse(changed(document, path, lambda o: o.pop(key)), f"no {path} {key}")

    def test_no_member_is_unknown(self):
        for document in self.documents:
            for path, _ in objects(document):
                self.refuse(
                    changed(document, path, lambda o: o.update(sweetspot_test="x")),
                    f"a new member in {path}",
                )

    def test_every_absent_reading_has_a_reason_that_is_a_text(self):
        seen = 0
        for document in self.documents:
            for path, members in objects(document):
                for key in members.get("absent", {}):
                    seen += 1
                    self.refuse(changed(document, path, lambda o: o["absent"].pop(key)), (path, key))
                    for wrong in (None, "", 0):
                        self.refuse(
                            changed(document, path, lambda o: o["absent"].update({key: wrong})),
                            f"reason {wrong!r} at {path} {key}",
                        )
        self.assertGreater(seen, 5)

    def test_no_number_is_null_without_a_reason(self):
        for document in self.documents:
            for path, members in objects(document):
                for key, value in members.items():
                    if isinstance(value, (int, float)) and not may_be_null(path, key):
                        self.refuse(
                            changed(document, path, lambda o: o.update({key: None})),
                            f"null at {path} {key}",
                        )

    def test_no_reason_stands_beside_a_value(self):
        document = self.documents[0]
        for path, members in objects(document):
            for key, value in members.items():
                if key != "absent" and value is not None:
                    self.refuse(
                        changed(
                            document, path, lambda o: o.setdefault("absent", {}).update({key: "x"})
                        ),
                        f"a reason beside {path} {key}",
                    )

    def test_no_value_has_another_type(self):
        document = self.documents[0]
        for path, members in objects(document):
            for key, value in members.items():
                wrong = 7 if isinstance(value, (str, list, dict, bool)) else "7"
                self.refuse(
                    changed(document, path, lambda o: o.update({key: wrong})), f"{path} {key}"
                )


def files_of(schema):
    return [d for d in map(validate_json.load, FILES) if d["schema"] == schema]


class RunSchema(Bent, unittest.TestCase):
    schema = SCHEMA
    documents = files_of("sweetspot.run/1")

    def test_states_fit_together(self):
        measured, troubled, adaptive, tuned = self.documents
        failed = next(r for r in troubled["results"] if r["status"] == "failed")
        index = troubled["results"].index(failed)
        empty = next(i for i, p in enumerate(troubled["profiles"]) if p["result"] is None)
        for document, path, change in (
            (measured, ("results", 0), {"status": "failed"}),
            (measured, ("results", 0), {"generation": None}),
            (measured, ("results", 0), {"prompt": None}),
            (measured, ("results", 0), {"effective": None}),
            (measured, ("results", 0), {"error": failed["error"]}),
            (measured, ("results", 0), {"vram_source": ""}),
            (measured, ("results", 0), {"requested_layers": []}),
            (measured, (), {"finished_at": None}),
            (measured, (), {"schema": "sweetspot.run/2"}),
            (measured, (), {"sweep": adaptive["sweep"]}),
            (measured, (), {"tune": tuned["tune"]}),
            (measured, ("results", 0), {"extent": "nearly"}),
            (adaptive, (), {"sweep": None}),
            (adaptive, ("sweep", "curve", 0), {"generation_ms_per_token": None}),
            (adaptive, ("sweep", "curve", 5), {"standing": "failed"}),
            (adaptive, ("sweep", "decisions", 0), {"doubt": -0.5}),
            (adaptive, ("results", 1), {"extent": "speeds"}),
            (tuned, (), {"tune": None}),
            (tuned, ("tune",), {"workload": "poetry"}),
            (troubled, ("results", index), {"status": "measured"}),
            (troubled, ("results", index), {"error": None}),
            (troubled, ("results", index, "error"), {"class": "misfortune"}),
            (troubled, ("profiles", empty), {"reason": None}),
            (troubled, ("profiles", empty), {"result": 0}),
        ):
            self.refuse(changed(document, path, lambda o: o.update(change)), f"{path} {change}")


class DevicesSchema(Bent, unittest.TestCase):
    schema = str(pathlib.Path(SCHEMA).with_name("devices-1.schema.json"))
    documents = [devices_of(run) for run in RunSchema.documents]


class ProfilesSchema(Bent, unittest.TestCase):
    schema = str(pathlib.Path(SCHEMA).with_name("profiles-1.schema.json"))
    documents = files_of("sweetspot.profiles/1")

    def test_states_fit_together(self):
        measured, planned = self.documents
        config = measured["profiles"][0]["config"]
        no_speed = {"tokens_per_second": None, "absent": {"tokens_per_second": "not measured"}}
        for document, path, change in (
            (measured, (), {"schema": "sweetspot.profiles/2"}),
            (measured, (), {"origin": "guessed"}),
            (measured, (), {"reports": measured["reports"] * 17}),
            (measured, ("model",), {"digest": "0123"}),
            (measured, ("profiles", 0), {"config": {**config, "n_gpu_layers": -1}}),
            (measured, ("profiles", 0), no_speed),
            (planned, ("profiles", 0, "config"), {"n_gpu_layers": -1}),
            (planned, ("profiles", 1), {"origin": "planned"}),
            (planned, ("reports", 0), {"result": "exploded"}),
        ):
            self.refuse(changed(document, path, lambda o: o.update(change)), f"{path} {change}")


class Validator(unittest.TestCase):
    def run_on(self, text, schema=SCHEMA):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "file.json")
            if text is not None:
                file.write_text(text, encoding="utf-8")
            command = [sys.executable, VALIDATOR, schema, str(file)]
            return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_exit_codes(self):
        good = pathlib.Path(FILES[0]).read_text(encoding="utf-8")
        self.assertEqual(0, self.run_on(good).returncode)
        self.assertEqual(1, self.run_on("{}").returncode)
        self.assertEqual(1, self.run_on(good[:-10]).returncode)
        self.assertEqual(1, self.run_on(good.replace('"precision": 0.01', '"precision": NaN')).returncode)
        self.assertEqual(2, self.run_on(None).returncode)
        self.assertEqual(2, self.run_on(good, schema="/none/schema.json").returncode)

    def test_faults_name_their_place(self):
        document = json.loads(pathlib.Path(FILES[0]).read_text(encoding="utf-8"))
        document["results"][1]["layers"] = "many"
        self.assertIn("/results/1/layers: 'many'", self.run_on(json.dumps(document)).stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
