"""What a study would train: its cells, their keys, their order, and what `python -m search.plan` says of them."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_study import Place

import search.plan
from search.data.prepared import PreparedData
from search.plan import Plan, interleaved, make_plan
from studies.compose import compose
from studies.errors import InputError
from tracking.manifest import PlannedTrial

ABLATION = "study=dropout_ablation"
ARMS = ["original", "dropout1", "dropout2", "dropout3"]
DATA = PreparedData(
    name="digits",
    digest="0123456789abcdef" * 4,
    folder=Path("nowhere"),
    class_names=tuple("0123456789"),
    n_train=1000,
    n_test=797,
    input_shape=(32, 32, 3),
)
MODEL = """\
# What a comment says does not matter.
def build(hp):
    rate = hp.Float("rate", 0.0, 0.9)
    return rate + 1
"""


def planned(*overrides: str, data: PreparedData = DATA) -> Plan:
    return make_plan(compose([ABLATION, *overrides]), data)


def keys(*overrides: str, data: PreparedData = DATA) -> set[str]:
    return {trial.key for trial in planned(*overrides, data=data).trials}


@pytest.fixture
def own_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The source of a user's model, `planned_model:build`."""
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "planned_model.py"
    path.write_text(MODEL)
    yield path
    assert "planned_model" not in sys.modules, "a plan reads a model's source and does not run it"


def test_every_arm_is_planned_with_every_seed_replicate_by_replicate() -> None:
    cells = [(trial.seed, trial.arm) for trial in planned("study.replicates=3", "study.first_seed=5").trials]
    assert cells == [(seed, arm) for seed in (5, 6, 7) for arm in ARMS]


def test_a_cell_carries_its_setting_and_becomes_a_task() -> None:
    plan = planned("study.fixed.learning_rate=0.01")
    trial = plan.trials[1]
    assert trial.setting == {"placement": "after_pooling", "rate": 0.5, "learning_rate": 0.01}
    task = plan.task(trial)
    assert (task.key, task.arm, task.setting, task.seed) == (trial.key, trial.arm, trial.setting, trial.seed)
    assert (task.model, task.training, task.data) == ("two_block_cnn", plan.spec.study.training, DATA)


def test_no_two_cells_share_a_key_and_a_key_is_16_hex_digits() -> None:
    plan = planned()
    assert len(keys()) == len(plan.trials) == 24
    assert all(re.fullmatch(r"[0-9a-f]{16}", trial.key) for trial in plan.trials)


@pytest.mark.parametrize(
    "override",
    [
        "study.fixed.learning_rate=0.002",
        "study.first_seed=100",
        "study.training.epochs=31",
        "study.training.batch_size=65",
        "study.training.augmentation.crop=27",
    ],
)
def test_what_changes_a_result_changes_every_key(override: str) -> None:
    assert keys() & keys(override) == set()


def test_another_precision_changes_every_key_and_the_one_that_is_understood_none() -> None:
    on_jax = keys("backend=jax")
    assert on_jax & keys("backend=jax", "study.training.precision=bf16") == set()
    assert on_jax == keys("backend=jax", "study.training.precision=float32")


def test_another_value_in_one_arm_changes_the_keys_of_that_arm_only() -> None:
    before, after = planned().trials, planned("study.arms.dropout1.rate=0.4").trials
    changed = {old.arm for old, new in zip(before, after, strict=True) if old.key != new.key}
    assert changed == {"dropout1"}


def test_other_data_change_every_key_and_the_same_data_elsewhere_none() -> None:
    assert keys() & keys(data=dataclasses.replace(DATA, digest="f" * 64)) == set()
    assert keys() == keys(data=dataclasses.replace(DATA, folder=Path("elsewhere"), name="npz"))


@pytest.mark.parametrize("part", ["ENGINE_VERSIONS", "keras", "tensorflow"])
def test_another_engine_changes_every_key(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys()
    if part == "ENGINE_VERSIONS":
        monkeypatch.setattr(search.plan, part, {"tensorflow": search.plan.ENGINE_VERSIONS["tensorflow"] + 1})
    else:
        installed = search.plan.importlib.metadata.version

        def version(name: str) -> str:
            return "99.0" if name == part else installed(name)

        monkeypatch.setattr(search.plan.importlib.metadata, "version", version)
    assert before & keys() == set()


@pytest.mark.parametrize(
    "overrides",
    [
        ["study.replicates=6"],
        ["study.name=another"],
        ["study.question='Is it so?'"],
        ["study.margin=0.1", "study.alpha=0.01", "study.metric=test_loss", "study.paired=true"],
        ["executor.workers=7", "runs_dir=elsewhere", "tracking_uri=http://localhost:5000"],
        ["study.arms.dropout1.rate=.5"],
        ["study.arms.dropout1.rate=5e-1"],
        ["++study.arms.dropout1.rate=0.50"],
        ["study.training={batch_size: 64, epochs: 30}"],
        ["dataset.suggested.epochs=30"],
        ["~study.arms.dropout1", "study.arms.pooled={rate: 0.5, placement: after_pooling}"],
    ],
    ids=" ".join,
)
def test_what_does_not_change_a_result_changes_no_key(overrides: list[str]) -> None:
    assert keys(*overrides) == keys()


def test_more_replicates_keep_the_keys_that_are_there() -> None:
    assert keys() < keys("study.replicates=8")
    assert len(keys("study.replicates=8")) == 32


def test_a_value_that_all_arms_share_may_be_said_once_or_in_each() -> None:
    each = [f"study.arms.{arm}.optimizer=sgd" for arm in ARMS]
    assert keys("study.fixed.optimizer=sgd") == keys(*each)


def test_comments_and_layout_of_a_models_source_are_not_part_of_its_keys(own_model: Path) -> None:
    before = keys("study.model=planned_model:build")
    own_model.write_text(MODEL.replace("does not matter", "never matters").replace("(0.0, 0.9)", "(\n 0.0,\n 0.9)"))
    assert keys("study.model=planned_model:build") == before


def test_what_a_models_source_does_is_part_of_its_keys(own_model: Path) -> None:
    before = keys("study.model=planned_model:build")
    own_model.write_text(MODEL.replace("rate + 1", "rate + 2"))
    assert keys("study.model=planned_model:build") & before == set()


def test_two_models_in_one_file_do_not_share_keys(own_model: Path) -> None:
    assert keys("study.model=planned_model:build") & keys("study.model=planned_model:other") == set()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("planned_modle:build", "`study.model` must be importable from here. .*no module 'planned_modle'"),
        ("planned_model:", "`study.model` must be a built-in model or package.module:build"),
        ("planned_model:build", "`study.model` 'planned_model:build' cannot be read: planned_model.py: .*line 1"),
    ],
)
def test_a_model_whose_source_cannot_be_read_is_refused(own_model: Path, model: str, said: str) -> None:
    own_model.write_text("def build(hp:\n")
    with pytest.raises(InputError, match=said):
        planned(f"study.model={model}")


def cells(*names: str) -> list[PlannedTrial]:
    return [PlannedTrial(key=f"{arm}{seed}", arm=arm, setting={}, seed=seed) for seed in (1, 2) for arm in names]


@pytest.mark.parametrize(
    ("lanes", "order"),
    [
        (1, ["a1", "a2", "b1", "b2", "c1", "c2"]),
        (2, ["a1", "b1", "a2", "b2", "c1", "c2"]),
        (3, ["a1", "b1", "c1", "a2", "b2", "c2"]),
        (9, ["a1", "b1", "c1", "a2", "b2", "c2"]),
    ],
)
def test_as_many_arms_as_workers_are_trained_side_by_side(lanes: int, order: list[str]) -> None:
    assert [trial.key for trial in interleaved(cells("a", "b", "c"), lanes)] == order


def test_who_is_done_first_with_the_cheapest_arm_goes_on_with_the_dearest() -> None:
    order = [trial.key for trial in interleaved(cells("a", "b", "c", "d"), 2)]
    assert order == ["a1", "b1", "a2", "b2", "d1", "c1", "d2", "c2"]


def test_interleaving_what_is_left_of_a_plan_loses_nothing() -> None:
    left = [*planned().trials][5:]
    assert sorted(interleaved(left, 2), key=left.index) == left
    assert interleaved([], 2) == []


def preview(folder: Path, *arguments: str) -> str:
    """Run `python -m search.plan` in an empty folder, which stays empty, and so does its folder for temporary files."""
    home, temporary = folder / "home", folder / "temporary"
    home.mkdir()
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "search.plan", ABLATION, *arguments],
        cwd=home,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(home.iterdir()) == []
    assert list(temporary.iterdir()) == []
    return done.stdout


def rows(output: str) -> dict[str, list[str]]:
    """The columns of each arm's line in the table."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in output.splitlines()]
    return {line[0]: line[1:] for line in lines if line[0].partition(" ")[0] in ARMS}


def test_without_counts_the_plan_says_what_would_be_trained(tmp_path: Path) -> None:
    output = preview(tmp_path, "counts=false")
    assert "digits: 1,000 training and 797 test images of 32x32x3, 10 classes. 30 epochs, batch 64" in output
    assert rows(output) == {
        "original (control)": ["placement=none", "6"],
        "dropout1": ["placement=after_pooling, rate=0.5", "6"],
        "dropout2": ["placement=after_flatten, rate=0.5", "6"],
        "dropout3": ["placement=after_activation, rate=0.5", "6"],
    }
    assert "24 trials, 0 of them recorded, 24 to train." in output
    assert "Estimated time: not known before a trial of each arm has run (counts=true measures it)." in output
    assert re.search(r"Smallest detectable difference: \d\.\d standard deviations over seeds \(80% power", output)


def conv(side: int, channels: int, filters: int) -> int:
    """Weights and biases of a convolution."""
    return (side * side * channels + 1) * filters


def test_with_counts_the_plan_says_how_large_the_models_are_and_how_long_it_takes(tmp_path: Path) -> None:
    output = preview(tmp_path)
    layers = {"conv1": conv(5, 3, 32), "conv2": conv(5, 32, 64), "classes": (4 * 4 * 64 + 1) * 10}
    assert (layers["conv1"], layers["conv2"]) == (2432, 51264), "as published"
    shown = ", ".join(f"{name} {count:,}" for name, count in layers.items())
    assert f"Trainable parameters of original, layer by layer: {shown}\n" in output
    table = rows(output)
    assert [arm.split()[0] for arm in table] == ARMS
    for setting, params, to_train, seconds in table.values():
        assert setting.startswith("placement=")
        assert (params, to_train) == (f"{sum(layers.values()):,}", "6")
        assert re.fullmatch(r"\d+\.\d s|\d+:\d\d:\d\d", seconds) and not re.fullmatch(r"[0.]+ s", seconds)
    assert re.search(r"Estimated time: \d+:\d\d:\d\d with \d+ workers?, start not included\.", output)


def test_a_finished_study_has_nothing_to_train(finished: Place, tmp_path: Path) -> None:
    copy = Place(Path(shutil.copytree(finished.folder, tmp_path / "copy")))
    before = copy.files()
    done = copy.run("counts=false", module="search.plan")
    assert done.returncode == 0, done.stderr
    assert "6 trials, 6 of them recorded, 0 to train." in done.stdout
    assert "Estimated time: none, everything is recorded." in done.stdout
    assert re.search(r"Smallest detectable difference: .* with the sd of .* over seeds", done.stdout)
    assert copy.files() == before
