"""A study on JAX: the same command, records and report; trials that are one program are trained as one."""

import json

import pytest
from small_study import STUDY, Place, finished_place

from studies.compose import compose
from studies.errors import InputError

PLAN = {"convolution": "patches", "epochs_per_call": 2}
FUSED = ("backend=jax", "executor.fuse=4", "study.replicates=2", "study.training.epochs=2")


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a place where a study of a user's model with Keras's own dropout has run, fused. Tests only read it."""
    return finished_place(tmp_path_factory.mktemp("fused"), STUDY, *FUSED)


def test_every_member_has_a_record_of_its_own_that_says_it_was_fused(fused: Place) -> None:
    records = [json.loads(content) for content in fused.records().values()]
    assert sorted((record["arm"], record["seed"]) for record in records) == [
        ("dropped", 1),
        ("dropped", 2),
        ("plain", 1),
        ("plain", 2),
    ]
    assert {record["cost"]["members"] for record in records} == {4}
    assert [record["cost"]["plan"] for record in records] == [PLAN] * 4
    assert all(", jax " in record["engine"] and "tensorflow" not in record["engine"] for record in records)
    assert len({record["metrics"]["train_loss"] for record in records}) == 4


def test_on_a_cpu_the_user_is_told_that_tensorflow_is_faster(fused: Place) -> None:
    said = (fused.folder / "output.txt").read_text()
    assert "On a CPU, backend=tensorflow trains several times faster." in said
    assert "4 trials trained." in said


def test_a_fused_trial_is_verified_alone(fused: Place) -> None:
    key = next(iter(fused.records()))
    done = fused.run(f"trial={key}", "backend=jax", module="search.verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical" in done.stdout or "within tolerance" in done.stdout


def test_a_second_run_trains_nothing(fused: Place) -> None:
    again = fused.run(*FUSED)
    assert "nothing to train" in again.stdout


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["backend=torch"], "`backend` must be"),
        (["executor.fuse=4"], "`executor.fuse` must be left out of backend=tensorflow: backend=jax has it."),
        (
            ["study.training.precision=bf16"],
            "`study.training.precision` must be float32 with backend=tensorflow; backend=jax has tf32 and bf16.",
        ),
        (["+study.arms.dropout1.training.precision=tf32"], "backend=jax has tf32 and bf16. Received: 'tf32'."),
        (["backend=jax", "study.training.precision=fp16"], "`study.training.precision` must be"),
        (["backend=jax", "executor=dask"], "`backend` must be tensorflow with executor=dask. Received: 'jax'."),
        (["executor.device=tpu"], "`executor.device` must be 'cpu' or 'gpu'"),
        (["executor=dask", "executor.device=gpu"], "`executor.device` must be left out of executor=dask"),
        (["backend=jax", "executor.fuse=0"], "`executor.fuse` must be greater than or equal to 1"),
    ],
)
def test_what_does_not_fit_together_is_refused(overrides: list[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        compose(["study=dropout_ablation", *overrides])
    assert said in str(caught.value)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_gpu_that_is_asked_for_and_absent_is_said_before_anything_is_written(
    backend: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # On a machine that has one, there is none either.
    before = place.files()
    done = place.run(f"backend={backend}", "executor.device=gpu")
    assert done.returncode == 2
    assert (
        f"`executor.device` must be what is here. Received: 'gpu'; backend={backend} finds a cpu only." in done.stderr
    )
    assert place.files() - before <= {"runs"}


def test_what_jax_is_told_to_use_and_is_absent_is_said_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", "rocm")
    done = place.run("backend=jax")
    assert done.returncode == 2
    assert "JAX_PLATFORMS must name what is here. Received: 'rocm'" in done.stderr
    assert "Traceback" not in done.stderr
