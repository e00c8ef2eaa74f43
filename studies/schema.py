"""The JSON schemas for editors: `python -m studies.schema study > studies/study.schema.json`, `schedule` likewise.

It says what `studies.spec` says of one field at a time. What takes several fields, such as a control that must be an
arm, or the hyperparameters that a model declares, is judged when the study is composed.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from studies.schedule import ScheduleSpec
from studies.spec import StudySpec

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_INTERPOLATION: Schema = {
    **_TEXT,
    "pattern": r"\$\{.+\}",
    "description": "Another field's value, such as ${dataset.suggested.epochs}.",
}

_DEFAULTS: Schema = {
    "description": "Hydra's list: `- override /dataset@_global_.dataset: NAME` gives the study a dataset of its own.",
    "type": "array",
}
_ALTERNATIVES: list[Schema] = [
    {
        "if": {"properties": {"kind": {"const": "ablation"}}, "required": ["kind"]},
        "then": {"required": ["replicates"], "properties": {"arms": {"minProperties": 2}}},
    },
    {
        "if": {"properties": {"kind": {"const": "search"}}, "required": ["kind"]},
        "then": {"required": ["search"]},
    },
    {"if": {"not": {"required": ["design"]}}, "then": {"required": ["arms"]}},
]
"""Which fields a kind of study has."""


def study_schema() -> Schema:
    """Return the schema of a file in `study/`: JSON Schema 2020-12, with the docstrings of the fields."""
    schema: Schema = _open(StudySpec.model_json_schema())
    schema["properties"] = {"defaults": _DEFAULTS, **schema["properties"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Study",
        "allOf": _ALTERNATIVES,
        "$defs": {**schema["$defs"], "Interpolation": _INTERPOLATION},
    }


def schedule_schema() -> Schema:
    """Return the schema of a file in `schedule/`, which is plain YAML and knows no interpolation."""
    schema: Schema = ScheduleSpec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Schedule"}


def _open(schema: Schema) -> Schema:
    """Return `schema` with an interpolation allowed wherever it asks for anything but any text."""
    if "anyOf" in schema:
        return {**schema, "anyOf": _or_interpolation(schema["anyOf"])}
    about: Schema = {name: schema[name] for name in ("title", "description", "default") if name in schema}
    asked = {name: value for name, value in schema.items() if name not in about}
    if "properties" in asked or "additionalProperties" in asked or "patternProperties" in asked:
        if "patternProperties" in asked:  # Pydantic says how names look, not that there are no others.
            asked["additionalProperties"] = False
        return {**about, **{name: _open_parts(name, value) for name, value in asked.items()}}
    if asked == _TEXT or "type" not in asked:
        return schema
    return {**about, "anyOf": _or_interpolation([asked])}


def _open_parts(name: str, value: Any) -> Any:
    """Return the value of the word `name` of an object's schema, with the schemas in it opened."""
    if name in ("properties", "patternProperties", "$defs"):
        return {part: _open(schema) for part, schema in value.items()}
    return _open(value) if name == "additionalProperties" and isinstance(value, dict) else value


def _or_interpolation(members: Sequence[Schema]) -> list[Schema]:
    return [*members] if _TEXT in members else [*members, {"$ref": "#/$defs/Interpolation"}]


def main(argv: Sequence[str]) -> int:
    """Print a schema; return the exit code."""
    description = "Print the JSON schema of the files of one kind."
    parser = argparse.ArgumentParser(prog="python -m studies.schema", description=description)
    parser.add_argument("kind", nargs="?", choices=["study", "schedule"], default="study")
    is_schedule = parser.parse_args(argv).kind == "schedule"
    print(json.dumps(schedule_schema() if is_schedule else study_schema(), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
