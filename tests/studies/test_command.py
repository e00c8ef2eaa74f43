"""What every command does with its arguments, as someone at a shell sees it."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from search.run import main
from studies.command import parse, yes_or_no
from studies.compose import choices, compose
from studies.errors import InputError
from studies.spec import RunSpec

ABLATION = "study=dropout_ablation"
STUDIES = ", ".join(choices("study"))
COMMANDS = ("search.run", "search.plan", "search.verify")


def command(folder: Path, module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in an empty folder and see that it is still empty afterwards."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert list(folder.iterdir()) == [], "something was written"
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("module", COMMANDS)
def test_help_lists_what_can_be_chosen(tmp_path: Path, module: str) -> None:
    done = command(tmp_path, module, "--help")
    assert done.returncode == 0
    assert f"usage: python -m {module}" in done.stdout
    words = " ".join(done.stdout.split())
    assert f" study= {STUDIES} dataset= cifar10, cifar100, digits, fashion_mnist, folder, gtsrb, npz, sine " in words
    assert "\nexecutor=   dask, local\n" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 80


def test_help_lists_the_studies_in_a_folder_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "mine.yaml").touch()
    with pytest.raises(SystemExit) as ended:
        main(["--config-dir", str(tmp_path), "--help"])
    assert ended.value.code == 0
    assert f" study= {', '.join(choices('study', [tmp_path]))} " in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("module", COMMANDS)
def test_cfg_job_shows_what_would_run_as_yaml_and_runs_nothing(tmp_path: Path, module: str) -> None:
    overrides = (ABLATION, "dataset=gtsrb", "study.replicates=2")
    done = command(tmp_path, module, "--cfg", "job", *overrides)
    assert done.returncode == 0, done.stderr
    shown = yaml.safe_load(done.stdout)
    assert RunSpec.model_validate(shown) == compose(overrides)
    assert shown["study"]["name"] == "dropout_ablation-gtsrb"
    assert shown["study"]["training"]["epochs"] == 15
    assert shown["study"]["alpha"] == 0.05, "defaults are shown too"


@pytest.mark.parametrize("module", COMMANDS)
def test_cfg_job_shows_no_password(tmp_path: Path, module: str) -> None:
    secrets = ("storage=postgresql://me:hidden@host/optuna", "tracking_uri=http://me:hidden@host:5000")
    done = command(tmp_path, module, "--cfg", "job", ABLATION, *secrets)
    assert "hidden" not in done.stdout
    shown = yaml.safe_load(done.stdout)
    assert (shown["storage"], shown["tracking_uri"]) == ("postgresql://***@host/optuna", "http://***@host:5000")


def test_cfg_job_of_what_cannot_run_is_an_error(tmp_path: Path) -> None:
    done = command(tmp_path, "search.run", "--cfg", "job", ABLATION, "study.replicates=0")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "`study.replicates` must be greater than or equal to 1. Received: 0.\n"


@pytest.mark.parametrize("module", COMMANDS)
def test_an_unknown_flag_is_exit_code_2(tmp_path: Path, module: str) -> None:
    done = command(tmp_path, module, ABLATION, "--bogus")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f"python -m {module}: error: unrecognized arguments: --bogus\n")


@pytest.mark.parametrize("module", COMMANDS)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path, module: str) -> None:
    done = command(tmp_path, module, "study=dropout_ablatoin")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"`study` must be one of: {STUDIES}. Received: 'dropout_ablatoin'. Did you mean 'dropout_ablation'?\n"
    )


def test_a_password_in_what_cannot_be_read_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([ABLATION, "tracking_uri=http://me:se{cret@host:5000"]) == 2
    said = capsys.readouterr().err
    assert "Received: 'tracking_uri=http://***@host:5000'" in said
    assert "cret" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], f"`study=NAME` is missing. Studies: {STUDIES}."),
        ([ABLATION, "study.control=orignal"], "Did you mean 'original'?"),
        ([ABLATION, "study.model=two_blok_cnn"], "Did you mean 'two_block_cnn'? A model of your own is given as"),
        ([ABLATION, "tracking_uri=nowhere"], "`tracking_uri` must be the address of an MLflow server"),
        ([ABLATION, "dataset=npz", "dataset.dir=nowhere", "dataset.file=x"], "`dataset.dir` must be a folder."),
        (["--config-dir", "nowhere", ABLATION], "`--config-dir` must be a folder with study/*.yaml in it."),
        ([ABLATION, "counts=false"], "`counts` is not a field."),
    ],
)
def test_bad_input_of_a_run_is_said_in_a_line_or_two_and_writes_nothing(
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
    assert said in captured.err
    assert len(captured.err.splitlines()) <= 2
    assert list(tmp_path.iterdir()) == []


def test_a_commands_own_options_are_not_overrides() -> None:
    arguments = parse([ABLATION, "counts=false", "study.replicates=2"], "search.plan", "Plan.", [("counts", "or not")])
    assert arguments.options == {"counts": "false"}
    assert arguments.overrides == (ABLATION, "study.replicates=2")
    assert not arguments.show_config


def test_the_command_that_is_written_down_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    folder = tmp_path / "it's mine"
    given = ["--config-dir", str(folder), ABLATION, "study.question='why not?'"]
    pasted = parse(given, "search.run", "Run.").command("printing", "seed=1")
    words = ["python", "-m", "printing", *given, "seed=1"]
    shell = f"python() {{ printf '%s\\n' python \"$@\"; }}; {pasted}"
    assert subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout.splitlines() == words


@pytest.mark.parametrize(
    ("given", "meant"), [("true", True), ("True", True), ("FALSE", False), ("false", False), (None, True)]
)
def test_an_option_is_true_or_false_or_its_default(given: str | None, meant: bool) -> None:
    assert yes_or_no({} if given is None else {"counts": given}, "counts", default=True) is meant


@pytest.mark.parametrize("given", ["", "yes", "ture", "0"])
def test_an_option_that_is_neither_true_nor_false_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="`counts` must be one of: false, true") as caught:
        yes_or_no({"counts": given}, "counts", default=True)
    assert repr(given) in str(caught.value)
    assert ("Did you mean 'true'?" in str(caught.value)) == (given == "ture")
