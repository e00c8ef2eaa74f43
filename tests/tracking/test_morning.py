"""The brief of a morning: in the runs folder, in MLflow, and with whoever was to be told."""

from pathlib import Path

import pytest
from webhook_server import webhook

from tracking.morning import main

DAY = "2026-11-21"


@pytest.fixture
def runs(make_study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_study()
    for name in ("BRIEF_WEBHOOK", "BRIEF_APPRISE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path / "runs"


def brief(runs: Path, *arguments: str) -> int:
    return main([f"runs_dir={runs}", "since=2001-01-01", *arguments])


def logged(runs: Path) -> dict[str, str]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{runs.parent / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("briefs")
    found = client.search_runs([experiment.experiment_id]) if experiment else []
    for run in found:
        assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["brief.md"]
    return {run.info.run_name: run.data.tags["mlflow.note.content"] for run in found}


def test_the_brief_is_written_logged_and_sent(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as server:
        monkeypatch.setenv("BRIEF_WEBHOOK", server.address)
        assert brief(runs, f"date={DAY}") == 0
    written = (runs / "briefs" / f"{DAY}.md").read_text()
    assert "24 trials of 1 study finished" in written
    assert logged(runs) == {DAY: written}
    [message] = server.messages
    assert message["markdown"] == message["text"] == written
    assert message["date"] == DAY
    [study] = message["studies"]
    assert (study["study"], study["done"], study["planned"]) == ("dropout_ablation", 24, 24)


def test_a_webhook_that_is_gone_hinders_nothing_else_and_is_not_named(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with webhook([404]) as server:
        monkeypatch.setenv("TEAM_HOOK", server.address)
        assert brief(runs, f"date={DAY}", "webhook=TEAM_HOOK") == 1
    said = capsys.readouterr()
    assert "Webhook: the brief was not sent: it answered 404." in said.err
    assert "s3cret" not in said.err + said.out
    assert list(logged(runs)) == [DAY]


def test_mlflow_gets_another_morning_what_it_missed_and_nothing_twice(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = f"sqlite:///{runs.parent / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{runs / 'briefs' / (DAY + '.md')}")  # No database.
    assert brief(runs, f"date={DAY}") == 1
    assert "MLflow: the brief was not sent" in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", there)
    assert brief(runs, "date=2026-11-22") == 0
    assert brief(runs, "date=2026-11-22") == 0
    assert sorted(logged(runs)) == [DAY, "2026-11-22"]


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("date=tomorrow", "`date` must be a date such as 2026-11-21."),
        ("wehbook=X", "Did you mean 'webhook'?"),
        ("runs_dir=nowhere", "`runs_dir` must be"),
    ],
)
def test_bad_arguments_are_refused(argument: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([argument]) == 2
    assert said in capsys.readouterr().err
