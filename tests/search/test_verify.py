"""Training a recorded trial again: the verdict, and what is refused before anything trains."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_study import Place
from stored_trials import ENVIRONMENT, cell, stored

from search.case import find_case
from search.train.result import TrialResult
from search.verdict import compare, surroundings
from search.verify import main
from studies.compose import compose
from studies.errors import InputError
from studies.search import SearchSpec
from tracking.manifest import read_manifest
from tracking.record import RecordStore, StoredTrial

ABLATION = "study=dropout_ablation"


@pytest.fixture
def before() -> StoredTrial:
    return stored(cell("plain", 1))


@pytest.fixture
def copy(finished: Place, tmp_path: Path) -> Place:
    """Return a place of its own where the small study has run."""
    return Place(Path(shutil.copytree(finished.folder, tmp_path / "copy")))


def trained_again(trial: StoredTrial, **changes: object) -> TrialResult:
    """The result of training `trial` again, but for `changes`."""
    record = trial.record
    result = TrialResult(
        seed=record.seed,
        metrics=dict(record.metrics),
        history={name: values.copy() for name, values in trial.history.items()},
        predicted=trial.predicted.copy(),
        correct=trial.correct.copy(),
        cost=record.cost.model_copy(update={"seconds": 1.0}),
        started=record.started.replace(year=2030),
    )
    return dataclasses.replace(result, **changes)  # type: ignore[arg-type]


def shifted(trial: StoredTrial, metric: str, by: float) -> TrialResult:
    return trained_again(trial, metrics={**trial.record.metrics, metric: trial.record.metrics[metric] + by})


def flipped(trial: StoredTrial, count: int) -> TrialResult:
    predicted = trial.predicted.copy()
    predicted[:count] += 1
    return trained_again(trial, predicted=predicted)


def test_the_same_bits_are_identical_however_long_it_took(before: StoredTrial) -> None:
    verdict = compare(before, trained_again(before))
    assert verdict.stands
    assert str(verdict) == "identical: every metric, every epoch and every prediction, to the bit"


def test_a_last_bit_is_not_identical_but_within_tolerance(before: StoredTrial) -> None:
    verdict = compare(before, shifted(before, "test_loss", 2**-50))
    assert verdict.stands
    assert str(verdict) == (
        "within tolerance: losses differ by up to 8.9e-16 in test_loss (tolerance 1e-05), accuracies by up to 0, "
        "0 of 8 predictions differ (tolerance 1)"
    )


@pytest.mark.parametrize(
    ("by", "outcome"), [(9e-6, "within tolerance"), (-9e-6, "within tolerance"), (2e-5, "different")]
)
def test_a_loss_may_be_off_by_the_rounding_of_sums(before: StoredTrial, by: float, outcome: str) -> None:
    verdict = compare(before, shifted(before, "train_loss", by))
    assert (verdict.outcome, verdict.stands) == (outcome, outcome != "different")
    assert f"losses differ by up to {abs(by):.2g} in train_loss (tol" in verdict.reason


def test_an_epoch_counts_like_the_end(before: StoredTrial) -> None:
    again = trained_again(before)
    again.history["train_loss"][1] += 0.5
    verdict = compare(before, again)
    assert verdict.outcome == "different"
    assert "losses differ by up to 0.5 in train_loss of epoch 2" in verdict.reason


def test_of_few_predictions_one_may_fall_on_the_other_side_with_its_accuracy(before: StoredTrial) -> None:
    one = dataclasses.replace(flipped(before, 1), metrics={**before.record.metrics, "test_accuracy": 0.75 - 1 / 8})
    verdict = compare(before, one)
    assert verdict.outcome == "within tolerance"
    assert "accuracies by up to 0.12 in test_accuracy, 1 of 8 predictions differ" in verdict.reason
    assert compare(before, flipped(before, 2)).outcome == "different"


def test_of_many_predictions_one_in_a_thousand_may(before: StoredTrial) -> None:
    many = dataclasses.replace(before, predicted=np.zeros(12_630, np.int32))
    assert compare(many, flipped(many, 12)).outcome == "within tolerance"
    assert compare(many, flipped(many, 13)).outcome == "different"


def test_predicted_targets_may_be_off_by_as_much_as_a_loss(before: StoredTrial) -> None:
    targets = dataclasses.replace(before, predicted=np.linspace(0, 1, 50, dtype=np.float32))
    near, far = (trained_again(targets, predicted=targets.predicted + by) for by in (1e-6, 0.01))
    assert compare(targets, near).outcome == "within tolerance"
    assert compare(targets, far).outcome == "different"
    assert compare(targets, far).reason.endswith("predictions by up to 0.01")


def test_what_cannot_be_compared_number_by_number_is_different_and_says_why(before: StoredTrial) -> None:
    shorter = {name: values[:-1] for name, values in before.history.items()}
    fewer = {name: value for name, value in before.record.metrics.items() if name != "test_loss"}
    assert compare(before, trained_again(before, history=shorter)).reason == "2 epochs of train_accuracy, recorded 3"
    assert compare(before, trained_again(before, predicted=before.predicted[:5])).reason == "5 predictions, recorded 8"
    verdict = compare(before, trained_again(before, metrics=fewer))
    assert verdict.outcome == "different"
    assert verdict.reason.startswith("metrics [")


def test_what_differs_around_a_training_is_named_on_both_sides() -> None:
    now = ENVIRONMENT.model_copy(update={"packages": {"keras": "3.16.0"}, "hardware": "another CPU", "host": "b-host"})
    was, trained = surroundings(ENVIRONMENT, "engine 1, keras 3.15.0", now, "engine 2, keras 3.16.0")
    assert was == "keras 3.15.0, engine 1, a CPU, 2 cores"
    assert trained == "keras 3.16.0, engine 2, another CPU"
    assert surroundings(ENVIRONMENT, "engine 1", ENVIRONMENT, "engine 1") == ("", "")


def test_a_recorded_trial_is_found_by_the_beginning_of_its_key_and_comes_out_identical(copy: Place) -> None:
    key = next(iter(copy.records()))
    files = copy.files()
    done = copy.run(f"trial={key[:6]}", module="search.verify")
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads(copy.records()[key])
    assert record["command"].endswith(f"arm={record['arm']} seed={record['seed']}")
    first, *rest = done.stdout.splitlines()
    assert first.startswith("Training ") and key in first
    assert rest == ["identical: every metric, every epoch and every prediction, to the bit"]
    assert copy.files() == files


def test_a_record_that_does_not_come_out_again_says_by_how_much_and_what_is_not_as_it_was(copy: Place) -> None:
    store = RecordStore(copy.study)
    key = next(iter(copy.records()))
    trial = store.read(key)
    record = trial.record
    changes = {
        "key": "feed" * 4,
        "metrics": {**record.metrics, "test_loss": record.metrics["test_loss"] + 0.25},
        "environment": record.environment.model_copy(update={"python": "3.0.0", "hardware": "an abacus"}),
    }
    store.write(dataclasses.replace(trial, record=record.model_copy(update=changes)))
    done = copy.run("trial=feedfeed", module="search.verify")
    assert done.returncode == 1, done.stdout + done.stderr
    _, note, verdict, metric, around = done.stdout.splitlines()
    assert note == "The source of model 'my_models:build' is not what it was."
    assert verdict.startswith("different: losses differ by up to 0.25 in test_loss (tolerance 1e-05), accuracies ")
    assert verdict.endswith(" by up to 0, 0 of 80 predictions differ (tolerance 1)")
    assert metric == f"test_accuracy: recorded {record.metrics['test_accuracy']}, now {record.metrics['test_accuracy']}"
    assert around.startswith("Recorded with python 3.0.0, an abacus. Trained now with python 3.")


def test_a_key_must_be_one_and_known(copy: Place) -> None:
    store = RecordStore(copy.study)
    trial = store.read(next(iter(copy.records())))
    for key in ("abcdef0123456789", "abcdef9876543210"):
        store.write(dataclasses.replace(trial, record=trial.record.model_copy(update={"key": key})))
    done = copy.run("trial=abcdef", module="search.verify")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "`trial` must begin one key only. Received: 'abcdef', which begins abcdef0123456789, abcdef9876543210.\n"
    )
    done = copy.run("trial=abcdef012345678f", module="search.verify")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Received: 'abcdef012345678f'. Did you mean 'abcdef0123456789'?" in done.stderr


def test_a_trial_of_a_confirmation_is_the_one_that_the_manifest_names(
    copy: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(copy.folder)
    manifest = read_manifest(copy.study.parent, "small")
    [trial] = [trial for trial in manifest.trials if (trial.arm, trial.seed) == ("dropped", 2)]
    best = trial.model_copy(update={"arm": "setting7", "seed": 41})
    manifest.model_copy(update={"trials": (best, *manifest.trials)}).write(copy.study)
    study = compose([ABLATION]).study.model_copy(update={"name": "small", "search": SearchSpec()})
    data = {"name": "npz", "dir": str(copy.folder), "file": "images.npz"}
    asked = manifest.spec.model_copy(
        update={
            "study": study,
            "runs_dir": str(copy.study.parent),
            "dataset": manifest.spec.dataset.model_copy(update=data),
        }
    )
    case = find_case({"arm": "setting7", "seed": "41"}, asked)
    assert case.stored is not None
    assert (case.task.key, case.task.seed, case.task.setting) == (trial.key, 2, {"rate": 0.5})
    with pytest.raises(InputError, match="must name a recorded trial of 'small'"):
        find_case({"arm": "setting7", "seed": "42"}, asked)


def test_a_damaged_record_and_other_data_are_refused_before_anything_trains(copy: Place) -> None:
    damaged, sound, *_ = copy.records()
    (copy.study / "trials" / damaged / "predicted.npy").write_bytes(b"")
    done = copy.run(f"trial={damaged}", module="search.verify")
    assert (done.returncode, done.stdout) == (2, "")
    assert "The record is damaged: " in done.stderr
    done = copy.run(f"trial={sound}", "dataset=digits", "dataset.file=null", "dataset.dir=null", module="search.verify")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("`dataset` must be what the trial was trained on: npz, digest ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([ABLATION], "Which trial? Give trial=KEY, or arm=ARM and seed=SEED. Received: []."),
        ([ABLATION, "arm=original"], "Which trial? Give trial=KEY, or arm=ARM and seed=SEED. Received: ['arm']."),
        ([ABLATION, "seed=1"], "Which trial? Give trial=KEY, or arm=ARM and seed=SEED. Received: ['seed']."),
        ([ABLATION, "arm=orignal", "seed=1"], "`arm` must be one of: dropout1, dropout2, dropout3, original. "
         "Received: 'orignal'. Did you mean 'original'?"),
        ([ABLATION, "arm=original", "seed=7"], "`seed` must be one of: 1, 2, 3, 4, 5, 6. Received: '7'."),
        ([ABLATION, "arm=original", "seed=one"], "`seed` must be one of: 1, 2, 3, 4, 5, 6. Received: 'one'."),
        ([ABLATION, "trial=0123"], "`trial` must be a key or at least its first 6 hex digits. Received: '0123'."),
        ([ABLATION, "trial=original"], "`trial` must be a key or at least its first 6 hex digits. "),
        ([ABLATION, "trial=012345"], "`trial` must be one of: "),
        (["study=dropout_ablatoin", "trial=0123"], "`study` must be one of: "),
        ([ABLATION, "study.replicates=0", "trial=0123"], "`study.replicates` must be greater than or equal to 1."),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_trains_nothing_and_writes_nothing(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(said)
    assert len(captured.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
