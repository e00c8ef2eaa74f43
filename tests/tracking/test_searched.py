"""What is remembered of settings that a search gave up."""

from pathlib import Path

from tracking.searched import Pruned, read_pruned, write_pruned


def test_settings_of_one_name_from_two_searches_are_told_apart_by_their_keys(tmp_path: Path) -> None:
    for key in ("aaaa", "bbbb"):
        write_pruned(tmp_path, Pruned(arm="setting-0001", key=key, step=3, score=0.1, reason="hopeless"))
    assert read_pruned(tmp_path) == {"aaaa", "bbbb"}


def test_a_note_that_a_crash_cut_in_half_does_not_count(tmp_path: Path) -> None:
    write_pruned(tmp_path, Pruned(arm="setting-0001", key="aaaa", step=3, score=0.1, reason="hopeless"))
    (tmp_path / "pruned" / "bbbb.json").write_text('{"arm": "setting-0002", "ke')
    assert read_pruned(tmp_path) == {"aaaa"}
