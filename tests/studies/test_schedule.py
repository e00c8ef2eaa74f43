"""A schedule's file: what is understood, and what is said about what is not."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from studies.compose import HOME
from studies.errors import InputError
from studies.schedule import chosen, read_schedule, schedule_files
from studies.schema import schedule_schema

FILE = """\
cron: "0 22 * * 1-5"
timezone: Europe/Berlin
window: 22:00 to 06:00
studies:
  - study: dropout_ablation
    overrides: [study.budget=quick]
  - study: batchnorm_ablation
"""


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_schedule("mine", path)
    message = str(caught.value)
    assert 1 <= len(message.splitlines()) <= 2, message
    return message


def test_a_schedule_has_its_times_its_studies_and_defaults_that_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(FILE)
    spec = read_schedule("mine", path)
    assert (f"{spec.opens:%H:%M}", f"{spec.closes:%H:%M}") == ("22:00", "06:00")
    assert [one.study for one in spec.studies] == ["dropout_ablation", "batchnorm_ablation"]
    assert (spec.at_once, spec.missed, spec.brief_at) == (1, "late", None)


def test_the_shipped_schedules_are_sound() -> None:
    assert "nightly" in chosen(None)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"0 22 * * 1-5"', "0 22 * *", "`cron` must be five fields"),
        ("Europe/Berlin", "Europe/Berln", "Received: 'Europe/Berln'. Did you mean 'Europe/Berlin'?"),
        ("22:00 to 06:00", "22:00-06:00", "`window` must be two times of day, such as 22:00 to 06:00."),
        ("22:00 to 06:00", "22:00 to 26:00", "Received: '22:00 to 26:00'."),
        ("window: 22:00 to 06:00\n", "", "`window` must be given; it is missing."),
        ("window:", "windw:", "Did you mean 'window'?"),
        ("study: batchnorm_ablation", "studdy: batchnorm_ablation", "Fields here: study, overrides."),
        ("[study.budget=quick]", "[runs_dir=elsewhere]", "must leave out runs_dir=, which the scheduler gives."),
        ("cron:", "missed: later\ncron:", "`missed` must be 'late', 'once' or 'skip'."),
        ("cron:", "brief_at: 10:30\ncron:", "`brief_at` must be a time of day in quotes"),
        ("cron:", "at_once: 0\ncron:", "`at_once` must be greater than or equal to 1."),
    ],
)
def test_what_cannot_be_is_refused_with_the_name_of_the_schedule_and_the_field(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    message = refusal(tmp_path, FILE.replace(before, after))
    assert message.startswith("Schedule 'mine': ")
    assert said in message


def test_an_address_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    message = refusal(tmp_path, f"webhook: https://chat.example/hooks/s3cret\n{FILE}")
    assert "must be the name of an environment variable" in message
    assert "s3cret" not in message


@pytest.mark.parametrize("text", ["a: [", "just text", ""])
def test_a_file_that_is_no_schedule_is_refused(tmp_path: Path, text: str) -> None:
    assert "Schedule 'mine'" in refusal(tmp_path, text)


def test_an_unknown_schedule_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="Did you mean 'nightly'"):
        chosen("nigthly")


def test_two_schedules_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "schedule").mkdir()
    (tmp_path / "schedule" / "nightly.yaml").write_text(FILE)
    with pytest.raises(InputError, match="must be one file"):
        schedule_files([tmp_path])


def test_the_schema_for_editors_is_up_to_date_and_accepts_what_is_shipped() -> None:
    import yaml

    on_disk = json.loads((HOME / "schedule.schema.json").read_text())
    assert on_disk == schedule_schema(), "python -m studies.schema schedule > studies/schedule.schema.json"
    for path in (HOME / "schedule").glob("*.yaml"):
        Draft202012Validator(on_disk).validate(yaml.safe_load(path.read_text()))
