"""Training a recorded trial again: the verdict, and what is refused before anything trains."""

import dataclasses
from pathlib import Path

import pytest
from stored_trials import cell, stored

from search.train.result import TrialResult
from search.verify import compare, main
from tracking.record import StoredTrial

ABLATION = "study=dropout_ablation"


@pytest.fixture
def before() -> StoredTrial:
    return stored(cell("plain", 1))


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


def test_the_same_bits_are_identical_however_long_it_took(before: StoredTrial) -> None:
    verdict, stands = compare(before, trained_again(before))
    assert stands
    assert verdict == "identical: every metric, every epoch and every prediction, to the bit"


def test_a_last_bit_is_not_identical_but_within_tolerance(before: StoredTrial) -> None:
    verdict, stands = compare(before, shifted(before, "test_loss", 2**-50))
    assert stands
    assert verdict == "within tolerance: largest difference 8.9e-16 in test_loss (tolerance 0.01)"


def test_another_curve_or_another_prediction_to_the_same_end_is_not_identical(before: StoredTrial) -> None:
    curve = trained_again(before)
    curve.history["train_loss"][0] += 0.5
    flipped = trained_again(before, predicted=before.predicted[::-1].copy())
    for again in (curve, flipped):
        verdict, stands = compare(before, again)
        assert stands
        assert verdict.startswith("within tolerance: largest difference 0 in ")


def test_a_curve_of_another_length_is_not_identical(before: StoredTrial) -> None:
    history = {name: values[:-1] for name, values in before.history.items()}
    assert "identical" not in compare(before, trained_again(before, history=history))[0]


@pytest.mark.parametrize(("by", "stands"), [(0.0099, True), (-0.0099, True), (0.011, False), (-0.011, False)])
def test_the_tolerance_is_on_the_worst_metric_in_either_direction(before: StoredTrial, by: float, stands: bool) -> None:
    again = shifted(before, "train_accuracy", by)
    again.metrics["test_accuracy"] += 0.001
    verdict, verdict_stands = compare(before, again)
    assert verdict_stands is stands
    assert verdict.startswith("within tolerance: " if stands else "different: ")
    assert f"{abs(by):.2g} in train_accuracy" in verdict


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
        ([ABLATION, "trial=0123"], "`trial` must be one of: "),
        (["study=dropout_ablatoin", "trial=0123"], "`study` must be one of: dropout_ablation. "),
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
