"""The manifest: enough to read a study's records without composing anything again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from studies.errors import InputError
from tracking.manifest import LayerCard, ModelCard, StudyManifest, read_manifest
from tracking.record import RecordStore

StudyMaker = Callable[..., tuple[StudyManifest, RecordStore]]


def test_what_is_read_is_what_was_written(make_study: StudyMaker) -> None:
    manifest, store = make_study()
    assert read_manifest(store.folder.parent, "dropout_ablation") == manifest
    assert manifest.models["dropout1"].params == 2432


def test_a_later_run_replaces_it(make_study: StudyMaker) -> None:
    manifest, store = make_study()
    later = manifest.model_copy(update={"engine": "2"})
    later.write(store.folder)
    assert read_manifest(store.folder.parent, "dropout_ablation") == later


def test_a_misspelt_study_is_refused_with_the_nearest_that_has_run(make_study: StudyMaker) -> None:
    _, store = make_study()
    with pytest.raises(InputError) as caught:
        read_manifest(store.folder.parent, "dropout_ablatoin")
    assert str(caught.value) == (
        "`study` must be one of: dropout_ablation. Received: 'dropout_ablatoin'. Did you mean 'dropout_ablation'?"
    )


@pytest.mark.parametrize("exists", [True, False], ids=["empty", "absent"])
def test_where_nothing_has_run_that_is_said(tmp_path: Path, exists: bool) -> None:
    runs = tmp_path / "runs"
    if exists:
        runs.mkdir()
    with pytest.raises(InputError) as caught:
        read_manifest(runs, "small")
    assert str(caught.value) == f"`study` must name a study that has run. Received: 'small'; none has, in {runs}/."


@pytest.mark.parametrize(
    "content", [b"", b'{"spec": {', b"{}", b"\xff\xfe"], ids=["empty", "cut", "hollow", "not text"]
)
def test_a_manifest_that_is_not_whole_is_refused_with_what_to_do(make_study: StudyMaker, content: bytes) -> None:
    _, store = make_study()
    path = store.folder / "study.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_manifest(store.folder.parent, "dropout_ablation")
    assert str(caught.value).startswith(f"{path} cannot be read (")
    assert str(caught.value).endswith("). Run the study again: finished trials stay.")
    assert len(str(caught.value).splitlines()) == 1


def test_the_parameters_of_a_model_are_those_that_are_trained() -> None:
    def layer(params: int, frozen: int) -> LayerCard:
        return LayerCard(name="x", kind="Dense", output_shape=(None, 3), params=params, frozen_params=frozen, inputs=())

    assert ModelCard(layers=(layer(64, 64), layer(0, 0), layer(44075, 0)), summary="", values={}).params == 44139
