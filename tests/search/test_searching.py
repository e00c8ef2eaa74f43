"""A search as a user runs it: choose on the validation part, confirm on fresh seeds; killed and continued."""

import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
from small_study import SEARCH, Place, make_place

from tracking.manifest import read_manifest
from tracking.record import RecordStore
from tracking.searched import read_searched


def test_a_search_ends_with_its_settings_a_confirmation_and_what_the_scores_shrank_to(searched: Place) -> None:
    said = (searched.folder / "output.txt").read_text()
    assert "4 settings have a score" in said
    assert "What became of the scores that were chosen" in said
    manifest = read_manifest(searched.folder / "runs", "small")
    assert manifest.search is not None
    assert len(manifest.trials) == 3 * len(manifest.spec.study.arms) == 9
    page = (searched.study / "report" / "search.md").read_text()
    assert page.count("| setting-") == 4 + 2


def test_the_test_set_takes_no_part_in_choosing(searched: Place) -> None:
    store = RecordStore(searched.study)
    records = [store.read(key) for key in store.keys()]  # noqa: SIM118
    chosen = [stored for stored in records if stored.record.seed == 1]
    confirmed = [stored for stored in records if stored.record.seed > 1]
    assert (len(chosen), len(confirmed)) == (4, 9)
    for stored in chosen:
        assert set(stored.record.metrics) == set(stored.history)
        assert not any(name.startswith("test_") for name in stored.history)
        assert len(stored.predicted) == 40, "a quarter of the 160 training images"
    for stored in confirmed:
        assert {"test_accuracy", "validation_accuracy"} <= set(stored.record.metrics)


def test_a_second_run_trains_nothing_and_says_so(searched: Place) -> None:
    before = searched.records()
    done = searched.run()
    assert done.returncode == 0
    assert "nothing to train" in done.stdout
    assert searched.records() == before


def test_a_killed_search_goes_on_to_the_same_settings_and_the_same_table(tmp_path: Path, searched: Place) -> None:
    place = make_place(tmp_path, SEARCH)
    place.stand_still(2)
    running = place.start()
    while len(place.records()) < 2 and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert len(place.records()) == 2
    place.go_on()
    done = place.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.table() == searched.table()
    found, expected = (_settings(one) for one in (place, searched))
    assert found == expected


def _settings(place: Place) -> dict[str, object]:
    manifest = read_manifest(place.folder / "runs", "small")
    assert manifest.search is not None
    rows = read_searched(manifest.search, RecordStore(place.study)).rows
    return {row.arm: (dict(row.values), row.score.mean) for row in rows}


def test_a_setting_that_is_proposed_twice_is_trained_once(tmp_path: Path) -> None:
    space = "    learning_rate: {low: 0.001, high: 0.1, log: true}\n"
    place = make_place(tmp_path, SEARCH.replace(space, "").replace("settings: 4\n", "settings: 9\n"))
    done = place.run()
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = read_manifest(place.folder / "runs", "small")
    assert manifest.search is not None
    searched = read_searched(manifest.search, RecordStore(place.study))
    assert sorted(row.values["rate"] for row in searched.rows) == [0.0, 0.2, 0.4, 0.6], "the space has no more"
    assert searched.repeated > 0
    store = RecordStore(place.study)
    assert sum(store.read(key).record.seed == 1 for key in store.keys()) == 4  # noqa: SIM118


def test_settings_that_another_study_has_trained_are_counted_as_done(tmp_path: Path, searched: Place) -> None:
    place = make_place(tmp_path, SEARCH)
    shutil.copytree(searched.folder / "runs", place.folder / "runs", dirs_exist_ok=True)
    done = place.run("study.name=other", "study.search.settings=5")
    assert done.returncode == 0, done.stdout + done.stderr
    [trained] = [line for line in done.stdout.splitlines() if "validation_accuracy" in line and line.startswith("[")]
    assert trained.startswith("[5/5] setting-0005")


def test_folds_take_turns_and_the_confirmation_trains_on_everything(tmp_path: Path) -> None:
    text = SEARCH.replace("{fraction: 0.25}", "{folds: 4}").replace("settings: 4\n", "settings: 2\n")
    place = make_place(tmp_path, text)
    done = place.run("study.search.confirm={settings: 1, replicates: 2}")
    assert done.returncode == 0, done.stdout + done.stderr
    store = RecordStore(place.study)
    records = [store.read(key).record for key in store.keys()]  # noqa: SIM118
    folds = sorted(record.fold for record in records if record.fold is not None)
    assert folds == sorted([0, 1, 2, 3] * 2)
    assert sum(record.fold is None for record in records) == 4
    page = (place.study / "report" / "search.md").read_text()
    for arm in {record.arm for record in records if record.fold is not None}:
        of_arm = [record for record in records if record.arm == arm and record.fold is not None]
        scores = [100 * record.metrics["validation_accuracy"] for record in of_arm]
        row = next(line for line in page.splitlines() if line.startswith(f"| {arm} ") and "scored" in line)
        assert f"{np.mean(scores):.2f}" in row and f"{np.std(scores, ddof=1):.2f}" in row, "mean and sd over the folds"


def test_when_the_time_is_up_no_trial_starts_and_the_next_run_goes_on(tmp_path: Path) -> None:
    place = make_place(tmp_path, SEARCH)
    done = place.run("study.search.duration=0.001s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"No setting is begun after \d{4}-\d\d-\d\d \d\d:\d\d\.", done.stdout)
    assert "The time is up: 0 of 4 settings have a score. The rest waits for the next start" in done.stdout
    assert place.records() == {}


def test_a_hopeless_trial_is_pruned_and_not_failed(tmp_path: Path) -> None:
    text = SEARCH.replace("settings: 4\n", "settings: 10\n  pruner: median\n").replace("epochs: 3", "epochs: 12")
    place = make_place(tmp_path, text)
    done = place.run("study.search.confirm={settings: 1, replicates: 2}", "executor.workers=1")
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = read_manifest(place.folder / "runs", "small")
    assert manifest.search is not None
    searched = read_searched(manifest.search, RecordStore(place.study))
    states = [row.state for row in searched.rows]
    assert states.count("complete") + states.count("pruned") == 10
    assert states.count("pruned") >= 1
    assert not list(place.study.glob("failed/*.json"))
    assert np.isfinite([row.score.mean for row in searched.ranked]).all()
