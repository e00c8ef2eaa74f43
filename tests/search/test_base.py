"""A search over heads as a user runs it: the base once, its features once, the heads on them; killed and continued."""

import dataclasses
import shutil
import signal
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from small_study import Place, finished_place, make_place

from search.base import Base, find_base
from search.data.split import split
from search.train.frozen import find_features
from search.train.inputs import held_out
from studies.compose import compose
from studies.data import ValidationSpec
from studies.errors import InputError
from tracking.manifest import read_manifest
from tracking.record import RecordStore, TrialRecord
from tracking.searched import read_searched

HEADS = """\
name: small
kind: search
question: Which head suits the features?
model: dense_head
base:
  model: my_models:build
  fixed: {rate: 0.1}
  training: {epochs: 4, batch_size: 16}
  held_out: 0.6
fixed: {dense_units: 8}
control: plain
arms:
  plain: {}
search:
  sampler: random
  settings: 3
  space:
    activation: {choices: [relu, sigmoid, linear]}
    learning_rate: {low: 0.001, high: 0.1, log: true}
  confirm: {settings: 1, replicates: 2}
data: {validation: {folds: 3, seed: 5}}
training: {epochs: 3, batch_size: 32}
"""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place where the search has run to its end, undisturbed; tests read it."""
    return finished_place(tmp_path_factory.mktemp("searched"), HEADS)


@pytest.fixture
def copy(searched: Place, tmp_path: Path) -> Place:
    return Place(Path(shutil.copytree(searched.folder, tmp_path / "copy")))


def base_of(place: Place, monkeypatch: pytest.MonkeyPatch) -> Base:
    """The base that the command in `place` has."""
    monkeypatch.chdir(place.folder)
    monkeypatch.syspath_prepend(place.folder)
    arguments = place.command("search.run")
    base = find_base(compose(arguments[arguments.index("study=small") :], [Path("mine")]))
    assert base is not None
    return base


def records(place: Place) -> list[TrialRecord]:
    store = RecordStore(place.study)
    return [store.read(key).record for key in store.keys()]  # noqa: SIM118


def settings(place: Place) -> dict[str, object]:
    manifest = read_manifest(place.folder / "runs", "small")
    assert manifest.search is not None
    rows = read_searched(manifest.search, RecordStore(place.study)).rows
    return {row.arm: (dict(row.values), row.score.mean) for row in rows}


def without(place: Place, *parts: str) -> None:
    """Make what a run finds in `place` as if it had been stopped before these parts of it were there."""
    for part in parts:
        for path in place.folder.glob(part):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_the_best_then_each_setting_then_the_time_then_the_confirmation(searched: Place) -> None:
    lines = (searched.folder / "output.txt").read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("Best validation accuracy: 0."))
    rows = read_manifest(searched.folder / "runs", "small").search
    assert rows is not None
    for line, row in zip(
        lines[first + 1 : first + 4], read_searched(rows, RecordStore(searched.study)).rows, strict=True
    ):
        assert row.score.mean is not None and row.score.sd is not None
        assert line.startswith(f"{row.score.mean:.6f} ({row.score.sd:.6f}) with activation={row.values['activation']}")
    assert lines[first + 4].startswith("It took ")
    assert "in 9 trials; the base took " in lines[first + 4]
    assert any(line.startswith("Chosen: setting-") for line in lines[first:])
    assert "What became of the scores that were chosen" in "\n".join(lines[first:])


def test_one_base_then_a_trial_for_each_setting_and_fold_then_fresh_seeds(searched: Place) -> None:
    found = records(searched)
    base = [record for record in found if record.arm == "frozen base"]
    heads = [record for record in found if record.fold is not None]
    confirmed = [record for record in found if record.seed > 1]
    assert (len(base), len(heads), len(confirmed), len(found)) == (1, 9, 4, 14)
    assert base[0].model == "my_models:build"
    assert base[0].setting == {"rate": 0.1}
    assert base[0].training.epochs == 4
    assert "base.keras" in base[0].files
    assert {record.model for record in heads + confirmed} == {"dense_head"}
    assert {record.dataset for record in heads + confirmed} == {f"npz-{base[0].key}"}, "the base's trial, by its key"
    for record in [*base, *heads]:
        assert not any(name.startswith("test_") for name in record.metrics)


def test_no_image_of_a_fold_reaches_the_base(searched: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    base, labels = base_of(searched, monkeypatch), np.load(searched.folder / "images.npz")["y_train"]
    [record] = [record for record in records(searched) if record.arm == "frozen base"]
    trained = held_out(base.data, record.data, record.fold)
    assert trained is not None
    features = find_features(f"npz-{record.key}", searched.folder / "runs" / "data")
    assert features is not None
    assert np.array_equal(features.open().y_train, labels[trained.validation])
    validation = ValidationSpec(folds=3, seed=5)
    seen: list[int] = []
    for fold in range(3):
        held = split(features.open().y_train, validation, fold)
        in_training_set = trained.validation[np.concatenate([held.train, held.validation])]
        assert not set(in_training_set) & set(trained.train)
        seen += trained.validation[held.validation].tolist()
    assert sorted(seen) == trained.validation.tolist(), "each image that the base left is held out once"
    assert (len(trained.train), len(trained.validation)) == (64, 96)


def test_the_saved_models_take_images_and_predict_what_was_recorded(searched: Place) -> None:
    images = np.load(searched.folder / "images.npz")["x_test"]
    files = sorted(searched.study.glob("trials/*/model.keras"))
    assert len(files) == 2, "one of each arm of the confirmation"
    for file in files:
        stored = RecordStore(searched.study).read(file.parent.name)
        saved = stored.record.saved_model
        assert saved is not None
        assert (saved.inputs.shape, saved.inputs.dtype) == ((None, *images.shape[1:]), str(images.dtype))
        assert (searched.folder / "runs" / "data" / saved.dataset / "x_test.npy").is_file()
        predicted = keras.models.load_model(file).predict(images, verbose=0).argmax(1)
        assert np.array_equal(predicted, stored.predicted)


def test_a_second_run_trains_nothing_and_says_so(searched: Place) -> None:
    before = searched.records()
    done = searched.run()
    assert done.returncode == 0
    assert "nothing to train" in done.stdout
    assert searched.records() == before


def test_a_killed_search_keeps_its_base_and_goes_on_to_the_same_table(tmp_path: Path, searched: Place) -> None:
    place = make_place(tmp_path, HEADS)
    place.stand_still(3)
    running = place.start("executor.workers=1")  # A worker that only knew the heads would not stand still.
    while len(place.records()) < 3 and running.poll() is None:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = place.records()
    assert len(before) == 3
    place.go_on()
    done = place.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "frozen base seed" not in done.stdout
    assert {key: place.records()[key] for key in before} == before
    assert place.table() == searched.table()
    assert settings(place) == settings(searched)


def test_killed_before_its_features_were_there_the_base_is_not_trained_again(copy: Place, searched: Place) -> None:
    [key] = [record.key for record in records(copy) if record.arm == "frozen base"]
    without(copy, f"runs/data/npz-{key}-*", "runs/small/proposals", "runs/*.db", "runs/small/study.json")
    for record in records(copy):
        if record.key != key:
            without(copy, f"runs/small/trials/{record.key}")
    before = copy.records()
    done = copy.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "frozen base seed" not in done.stdout
    assert copy.records()[key] == before[key]
    assert copy.table() == searched.table()


def test_another_study_takes_base_and_features_over(copy: Place) -> None:
    done = copy.run("study.name=other", "study.search.settings=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "frozen base seed" not in done.stdout
    [key] = [record.key for record in records(copy) if record.arm == "frozen base"]
    assert RecordStore(copy.folder / "runs" / "other").read(key).base is not None


def test_a_head_can_be_trained_again_to_the_bit(searched: Place) -> None:
    head = next(record.key for record in records(searched) if record.fold == 1)
    done = searched.run(f"trial={head}", module="search.verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical" in done.stdout


def test_a_head_whose_features_are_gone_says_how_they_come_back(copy: Place) -> None:
    [base] = [record.key for record in records(copy) if record.arm == "frozen base"]
    head = next(record.key for record in records(copy) if record.fold == 0)
    without(copy, f"runs/data/npz-{base}-*")
    done = copy.run(f"trial={head}", module="search.verify")
    assert done.returncode == 2
    assert f"was trained on the features 'npz-{base}', which are not in runs/data any more" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plan_says_base_heads_and_trials(tmp_path: Path, searched: Place) -> None:
    done = searched.run("counts=false", module="search.plan")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "First the base, my_models:build: 1 trial of 4 epochs on 64 training images." in done.stdout
    assert "features of the other 96 and of the test set" in done.stdout
    assert "3 settings x 1 seed x 3 folds = 9 trials" in done.stdout
    assert "Both are there." in done.stdout
    fresh = make_place(tmp_path, HEADS).run("counts=false", module="search.plan")
    assert "Neither is there yet" in fresh.stdout


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("~study.base.model", "`study.base.model` must be given; it is missing."),
        ("study.base.model=vgg_smal", "`study.base.model` must be one of: .* Did you mean 'vgg_small'"),
        ("study.base.held_out=1.5", "`study.base.held_out` must be less than 1. Received: 1.5."),
        ("study.base.held_out=0.999", "`study.base.held_out` must leave images of each class to train on"),
        ("study.base.held_out=0.02", "`study.data.validation.folds` must be at most 1,"),
        ("study.base.training.early_stopping.patience=2", "`study.base.training.early_stopping` must be null"),
        ("study.base.training.augmentation.crop=11", "`study.base.training.augmentation.crop` must be at most 10"),
        ("study.data.validation=null", "`study.data.validation` must be given in a search"),
    ],
)
def test_a_base_that_cannot_be_is_named(
    override: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_place(tmp_path, HEADS)
    monkeypatch.chdir(place.folder)
    monkeypatch.syspath_prepend(place.folder)
    arguments = place.command("search.run")
    given = arguments[arguments.index("study=small") :]
    with pytest.raises(InputError, match=said):
        base = find_base(compose([*given, override], [Path("mine")]))
        assert base is not None
        assert base.input_shape
    assert not (place.folder / "runs").exists()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("study.base.fixed.rat=0.1", "Arm 'frozen base': A hyperparameter's name must be one of: "),
        ("study.base.layer=flaten", "`study.base.layer` must be one of: "),
        ("study.search.space.unit.choices=[8]", "`study.search.space` must be one of: "),
    ],
)
def test_what_base_or_heads_do_not_have_is_found_before_anything_is_trained(
    override: str, said: str, tmp_path: Path
) -> None:
    place = make_place(tmp_path, HEADS)
    done = place.run(override)
    assert done.returncode == 2
    assert done.stderr.startswith(said)
    assert not (place.folder / "runs").exists()


def test_an_ablation_has_no_base() -> None:
    base = "study.base={model: vgg_small, training: {epochs: 1, batch_size: 8}}"
    with pytest.raises(InputError, match=r"`study.base` must be left out of an ablation. Received: 'vgg_small'\."):
        compose(["study=dropout_ablation", base])


def test_the_name_of_the_features_tells_trial_and_layer(searched: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    base = base_of(searched, monkeypatch)
    assert base.features_name == f"npz-{base.trial.key}"
    study = base.spec.study
    named = study.model_copy(update={"base": base.declared.model_copy(update={"layer": "flatten"})})
    other = dataclasses.replace(base, spec=base.spec.model_copy(update={"study": named}))
    assert other.features_name == f"npz-{base.trial.key}-flatten"
