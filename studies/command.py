"""What every command of this project does with its arguments, its errors and its exit code."""

import argparse
import shlex
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from studies.errors import InputError, unknown
from studies.secrets import masked

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
_FIELDS = """\
any field of the study, its dataset or its executor, for example:
  study.budget=smoke   study.replicates=10   study.training.epochs=5
  study.arms.dropout1.rate=0.3   dataset.dir=DIR   executor.workers=4
  runs_dir=DIR   backend=jax   tracking_uri=http://localhost:5000
all fields are described in studies/spec.py; --cfg job shows their values"""


@dataclass(frozen=True)
class Arguments:
    """A command line, taken apart but not yet judged."""

    overrides: tuple[str, ...]
    """Hydra's `group=name` and `field=value`."""
    config_dirs: tuple[Path, ...]
    options: dict[str, str]
    """The command's own `name=value`, which are not part of the configuration."""
    show_config: bool

    def command(self, module: str, *extra: str) -> str:
        """Return the shell command that runs `module` with this configuration."""
        folders = [text for path in self.config_dirs for text in ("--config-dir", str(path))]
        return shlex.join(["python", "-m", module, *folders, *self.overrides, *extra])


def parse(argv: Sequence[str], module: str, description: str, options: Sequence[tuple[str, str]] = ()) -> Arguments:
    """Return the arguments of `python -m MODULE`; `--help` and unusable flags end the process as usual.

    Args:
        argv: without the program's name.
        module: for the usage line.
        description: what the command does, for `--help`.
        options: name and meaning of the command's own `name=value` arguments.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("overrides", nargs="*", metavar="name=value", help="see below")
    add_config_dir(parser, "study/NAME.yaml (and dataset/, executor/)")
    parser.add_argument("--cfg", choices=["job"], help="print the composed configuration and do nothing")
    given = parser.parse_known_args([text for text in argv if text not in ("-h", "--help")])[0]
    parser.epilog = _epilog(given.config_dir, options)
    given = parser.parse_args(argv)
    names = {name for name, _ in options}
    own = [text.partition("=") for text in given.overrides if text.partition("=")[0] in names]
    return Arguments(
        overrides=tuple(text for text in given.overrides if text.partition("=")[0] not in names),
        config_dirs=tuple(given.config_dir),
        options={name: value for name, _, value in own},
        show_config=given.cfg is not None,
    )


def add_config_dir(parser: argparse.ArgumentParser, files: str) -> None:
    """Let `parser` take `--config-dir DIR`, more than once too; `files` says which are looked for there."""
    parser.add_argument(
        "--config-dir",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help=f"a folder of your own with {files}",
    )


def guarded(run: Callable[[], int]) -> int:
    """Return the exit code of `run`; an InputError is printed in its own words and is 2, Ctrl-C is 130."""
    try:
        return run()
    except InputError as error:
        print(masked(str(error)), file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print("Stopped; what was recorded is kept.", file=sys.stderr)
        return EXIT_INTERRUPTED


def yes_or_no(options: dict[str, str], name: str, default: bool) -> bool:
    """Return the value of the option `name`, given as true or false."""
    text = options.get(name, str(default)).lower()
    if text not in ("true", "false"):
        raise unknown(name, options[name], ("true", "false"))
    return text == "true"


def print_configuration(arguments: Arguments) -> int:
    """Print the composed configuration as YAML, without passwords; return the exit code."""
    from omegaconf import OmegaConf

    from studies.compose import compose

    # What is shown is what would run: valid, with the name that the dataset gives it, and with every default.
    run = compose(arguments.overrides, arguments.config_dirs)
    print(masked(OmegaConf.to_yaml(OmegaConf.create(run.model_dump(mode="json")))), end="")
    return 0


def listed(rows: Sequence[tuple[str, str]]) -> str:
    """Return names and their meanings for `--help`, in two columns as wide as the terminal."""
    start, width = max(len(name) for name, _ in rows) + 3, shutil.get_terminal_size().columns - 2
    wrapper = textwrap.TextWrapper(
        width=width, subsequent_indent=" " * start, break_on_hyphens=False, break_long_words=False
    )
    return "\n".join(wrapper.fill(f"{name:<{start}}{meaning}") for name, meaning in rows)


def _epilog(config_dirs: Sequence[Path], options: Sequence[tuple[str, str]]) -> str:
    from studies.compose import GROUPS, choices  # Not above: workers import their command again, and Hydra takes 0.1 s.

    rows = [(f"{group}=", ", ".join(choices(group, config_dirs))) for group in GROUPS]
    rows += [(f"{name}=", meaning) for name, meaning in options]
    return f"{listed(rows)}\n\n{_FIELDS}"
