"""The JSON schema that editors check study files against."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from omegaconf import OmegaConf

import studies.schema
from studies.spec import StudySpec

HOME = Path(studies.schema.__file__).parent
ON_DISK = HOME / "study.schema.json"
STUDIES = sorted((HOME / "study").glob("*.yaml"))

Study = dict[str, Any]


def errors(study: object) -> list[str]:
    """The fields that an editor would underline."""
    validator = Draft202012Validator(json.loads(ON_DISK.read_text()))
    return [".".join(map(str, error.absolute_path)) or error.message for error in validator.iter_errors(study)]


def as_written(path: Path) -> Any:
    """A study file before anything is composed or resolved: what an editor sees."""
    return OmegaConf.to_container(OmegaConf.load(path), resolve=False)


@pytest.fixture
def study() -> Study:
    study: Study = as_written(HOME / "study" / "dropout_ablation.yaml")
    return copy.deepcopy(study)


def test_the_file_on_disk_is_what_the_command_prints() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "studies.schema"], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == ON_DISK.read_text(), "run: python -m studies.schema > studies/study.schema.json"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json.loads(ON_DISK.read_text()))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_an_editor_finds_nothing_wrong_with_a_study_of_ours(path: Path) -> None:
    assert path.read_text().startswith("# yaml-language-server: $schema=../study.schema.json\n")
    assert errors(as_written(path)) == []


def test_an_editor_finds_nothing_wrong_with_the_study_in_the_readme() -> None:
    [example] = (HOME.parent / "README.md").read_text().split("```yaml\n")[1:]
    assert errors(OmegaConf.to_container(OmegaConf.create(example.partition("```")[0]))) == []


def fields(schema: Study, path: str = "") -> Iterator[tuple[str, Study]]:
    for name, part in schema.get("properties", {}).items():
        yield f"{path}{name}", part
        yield from fields(part, f"{path}{name}.")
    for name, part in schema.get("$defs", {}).items():
        yield from fields(part, f"{name}.")


def test_the_docstring_of_a_field_is_shown_where_it_is_written() -> None:
    shown = dict(fields(json.loads(ON_DISK.read_text())))
    assert set(StudySpec.model_fields) <= set(shown)
    for name, field in StudySpec.model_fields.items():
        if field.description:
            assert shown[name]["description"] == field.description
    assert (
        shown["TrainingSpec.batch_size"]["description"]
        == "Images per optimizer step; the last batch of an epoch may be smaller."
    )


@pytest.mark.parametrize("field", ["replicates", "first_seed", "metric", "paired", "alpha", "margin", "name", "kind"])
def test_an_interpolation_may_stand_where_a_number_or_a_choice_is_expected(study: Study, field: str) -> None:
    study[field] = "${dataset.suggested.epochs}"
    assert errors(study) == []


def test_an_interpolation_may_stand_inside_an_arm_and_inside_the_training(study: Study) -> None:
    study["arms"]["dropout1"]["rate"] = "${study.fixed.rate}"
    study["training"]["augmentation"]["crop"] = "${dataset.side}"
    assert errors(study) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("replicates", "six"),
        ("replicates", 0),
        ("replicates", 1.5),
        ("replicates", True),
        ("metric", "test_acuracy"),
        ("kind", "serach"),
        ("paired", "maybe"),
        ("alpha", 0.5),
        ("margin", 0),
        ("margin", [0.1]),
        ("question", 7),
        ("name", "a/b"),
        ("arms", ["original", "dropout1"]),
        ("arms", {"original": {}}),
        ("arms", {"original": {}, "drop out": {"rate": 0.5}}),
        ("training", "${elsewhere"),
    ],
)
def test_a_value_of_the_wrong_kind_is_underlined(study: Study, field: str, value: object) -> None:
    study[field] = value
    assert set(errors(study)) == {field}


@pytest.mark.parametrize(
    ("arm", "value"), [("arms.dropout1", 0.5), ("arms.dropout1.rate", [0.5]), ("arms.dropout1.rate", None)]
)
def test_a_setting_holds_scalars(study: Study, arm: str, value: object) -> None:
    *parents, last = arm.split(".")
    place = study
    for name in parents:
        place = place[name]
    place[last] = value
    assert errors(study) == [arm]


@pytest.mark.parametrize("parents", [[], ["training"], ["training", "augmentation"]], ids="/".join)
def test_a_misspelt_field_is_underlined(study: Study, parents: list[str]) -> None:
    place = study
    for name in parents:
        place = place[name]
    place["mispelt"] = 1
    [error] = Draft202012Validator(json.loads(ON_DISK.read_text())).iter_errors(study)
    assert "'mispelt' was unexpected" in error.message
    assert list(error.absolute_path) == parents


@pytest.mark.parametrize("field", ["name", "kind", "question", "model", "arms", "control", "replicates", "training"])
def test_a_missing_field_is_noticed(study: Study, field: str) -> None:
    del study[field]
    assert errors(study) == [f"'{field}' is a required property"]
