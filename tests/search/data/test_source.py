"""The datasets that can be named, and the fields that each of them has."""

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from studies.compose import HOME
from studies.spec import DatasetSpec

FILES = sorted(HOME.glob("dataset/*.yaml"))
GIVEN = {"dir": "somewhere", "file": "a.npz"}


def test_each_dataset_has_a_file_of_its_name() -> None:
    assert sorted(path.stem for path in FILES) == sorted(get_args(DatasetSpec.model_fields["name"].annotation))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_file_of_a_dataset_is_what_the_schema_accepts(path: Path) -> None:
    declared = yaml.safe_load(path.read_text())
    fields = {name: GIVEN[name] if value == "???" else value for name, value in declared.items()}
    assert DatasetSpec.model_validate(fields).name == path.stem


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [("digits", "file", "a.npz"), ("npz", "csv", "a.csv"), ("cifar10", "size", 32), ("sine", "test_fraction", 0.2)],
)
def test_a_field_of_another_dataset_is_refused(name: str, field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"`dataset.{field}` must be left out of all datasets but .* for '{name}'"):
        DatasetSpec.model_validate({"name": name, field: value, "suggested": {"epochs": 1, "batch_size": 1}})
