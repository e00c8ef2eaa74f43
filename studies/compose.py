"""From command-line arguments to a validated `RunSpec`: Hydra composes, the schema judges."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, ValidationError
from yaml import YAMLError

from studies.errors import InputError, nearest, unknown
from studies.spec import RunSpec

HOME = Path(__file__).parent
_INNER = ("function-", "[")
"""Beginnings of what pydantic adds to a location; to someone who wrote a study they are not fields."""
GROUPS = ("study", "dataset", "executor")
_FIELD_OVERRIDE = re.compile(r"^[A-Za-z_]\w*(\.[\w-]+)*=")


def choices(group: str, config_dirs: Sequence[Path] = ()) -> list[str]:
    """Return the names that `group=NAME` accepts: those of this package and of `config_dirs`."""
    return sorted({path.stem for home in (HOME, *config_dirs) for path in (home / group).glob("*.yaml")})


def compose(overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> RunSpec:
    """Return the configuration that `overrides` (Hydra's syntax) ask for, validated and with a folder name of its own.

    A study asked of another dataset than its file names is another study: it is called STUDY-DATASET, so that the
    records and reports of both stand side by side. `study.name=NAME` overrules that.

    Raises:
        InputError: a name that does not exist, or a value that the schema does not accept.
    """
    config = _resolved(overrides, config_dirs)
    home_overrides = [text for text in overrides if not text.startswith("dataset")]
    named = any(text.lstrip("+").startswith("study.name=") for text in overrides)
    if len(home_overrides) < len(overrides) and not named and isinstance(config.study, DictConfig):
        declared_on = _composed(home_overrides, config_dirs).dataset.name
        if declared_on != config.dataset.name and config.study.get("name"):
            config.study.name = f"{config.study.name}-{config.dataset.name}"
    return validate(config)


def _resolved(overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> DictConfig:
    """Return the composition of `overrides`, complete, before the schema has seen it."""
    config = _composed(overrides, config_dirs)
    with _as_input_error():
        _apply_budget(config, overrides)
        missing = sorted(OmegaConf.missing_keys(config))
        if missing:
            raise _missing(missing[0], config)
        OmegaConf.resolve(config)
    return config


def _missing(field: str, config: DictConfig) -> InputError:
    """Return the error for a `field` without a value: that it must be given, or that it was, but misspelt."""
    parent, _, _ = field.rpartition(".")
    valid = _fields(parent.split("."), RunSpec) if parent else [*RunSpec.model_fields]
    given = OmegaConf.select(config, parent) if parent else config
    if strange := next((str(name) for name in given if valid and name not in valid), None):
        return _no_field(f"{parent}.{strange}" if parent else strange, valid)
    return InputError(f"`{field}` must be given: {field}=VALUE.")


def _no_field(field: str, valid: Sequence[str]) -> InputError:
    """Return the error for a `field` of which the last name is not one of `valid`."""
    hint = nearest(field.rpartition(".")[2], valid)
    return InputError(f"`{field}` is not a field. Fields here: {', '.join(valid)}.{hint}")


def _apply_budget(config: DictConfig, overrides: Sequence[str]) -> None:
    """Put what `study.budget` names into the study; what the command line says of a field still wins."""
    study = config.study
    name = study.get("budget") if isinstance(study, DictConfig) else None
    if name is None:
        return
    budgets = study.get("budgets") or {}
    if name not in budgets:
        if not budgets:
            raise InputError(f"`study.budget` must be null: this study has no budgets. Received: {name!r}.")
        raise unknown("study.budget", name, list(budgets))
    config.study = OmegaConf.merge(study, budgets[name])
    fields = [text for text in overrides if _FIELD_OVERRIDE.match(text) and text.startswith("study.")]
    for override in OverridesParser.create().parse_overrides(fields):
        OmegaConf.update(config, override.key_or_group, override.value(), merge=True, force_add=True)


def _composed(overrides: Sequence[str], config_dirs: Sequence[Path]) -> DictConfig:
    """Return what Hydra makes of `overrides`, with interpolations and missing values as they are."""
    for folder in config_dirs:
        if not folder.is_dir():
            raise InputError(f"`--config-dir` must be a folder with study/*.yaml in it. Received: {str(folder)!r}.")
    prepared = [_prepare(text, config_dirs) for text in overrides]
    if not any(text.startswith("study=") for text in overrides):
        raise InputError(f"`study=NAME` is missing. Studies: {', '.join(choices('study', config_dirs))}.")
    if config_dirs:
        prepared.append(f"hydra.searchpath=[{','.join(_quoted(f'file://{path.resolve()}') for path in config_dirs)}]")
    with _hydra(), _as_input_error():
        config = hydra_compose(config_name="config", overrides=prepared)
        OmegaConf.set_struct(config, False)
    return config


def validate(config: DictConfig) -> RunSpec:
    """Return `config` as the schema's immutable models.

    Raises:
        InputError: naming the first few fields that the schema does not accept.
    """
    try:
        return RunSpec.model_validate(OmegaConf.to_container(config, resolve=True))
    except ValidationError as error:
        raise InputError("\n".join(lines_of(error, RunSpec))) from None


def _prepare(text: str, config_dirs: Sequence[Path]) -> str:
    """Check the names in one override; let any field of the schema be set without Hydra's `+`."""
    name, equals, value = text.partition("=")
    if not equals or not _FIELD_OVERRIDE.match(text):
        if (equals and name) or text.startswith("~"):
            return text
        likely = [f"{group}=NAME" for group in GROUPS] + [f"study={study}" for study in choices("study", config_dirs)]
        hint = "" if "." in text else nearest(text, likely)
        raise InputError(f"An override has the form field=value. Received: {text!r}.{hint}")
    first, valid = name.partition(".")[0], [*RunSpec.model_fields]
    if first not in valid and first != "hydra":
        inside = {part: f"study.{part}" for part in _fields(["study"], RunSpec)}
        inside |= {part: f"study.training.{part}" for part in _fields(["study", "training"], RunSpec)}
        if first in inside:
            raise InputError(f"`{name}` is not a field. Did you mean '{inside[first]}{name.removeprefix(first)}'?")
        raise InputError(f"`{name}` is not a field. Fields here: {', '.join(valid)}.{nearest(first, valid)}")
    if name in GROUPS:
        _check_choice(name, value, config_dirs)
        return text
    if name.count(".") == 1 and value.strip() == "{}":
        raise InputError(f"`{text}` would change nothing: values are merged. ~{name}.NAME deletes one.")
    return f"++{text}" if first != "hydra" else text


def _check_choice(group: str, name: str, config_dirs: Sequence[Path]) -> None:
    """Raise unless exactly one folder has `group/name.yaml`; Hydra would silently take the first of several."""
    if name not in (valid := choices(group, config_dirs)):
        raise unknown(group, name, valid)
    files = dict.fromkeys((home / group / f"{name}.yaml").resolve() for home in (HOME, *config_dirs))
    found = [str(file) for file in files if file.is_file()]
    if len(found) > 1:
        raise InputError(f"`{group}={name}` must mean one file; rename yours. Received: {' and '.join(found)}.")


def _quoted(text: str) -> str:
    """Return `text` as a quoted value of Hydra's grammar."""
    return "'" + text.replace("'", "\\'") + "'"


@contextmanager
def _hydra() -> Iterator[None]:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(HOME.resolve()), version_base="1.3"):
        yield


@contextmanager
def _as_input_error() -> Iterator[None]:
    """Turn what Hydra, OmegaConf and YAML say into one or two lines."""
    try:
        yield
    except InputError:
        raise
    except (HydraException, OmegaConfBaseException, YAMLError, OSError, ValueError) as error:
        if isinstance(error, OverrideParseException):
            form = "An override has the form field=value, with quotes around special characters"
            raise InputError(f"{form}. Received: {error.override.removeprefix('++')!r}.") from None
        if (given := re.match(r"Error merging override (?:\+\+)?([^=]+)=(.*)", str(error))) is not None:
            field, value = given.groups()
            raise InputError(f"`{field}` must be of the kind that it is in the file. Received: {value!r}.") from None
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise InputError("The configuration cannot be composed: " + " ".join(lines[:3])[:400]) from None


def lines_of(error: ValidationError, schema: type[BaseModel]) -> list[str]:
    """Return up to two lines for what `schema` found: field, expectation, what was received, nearest name."""
    found: dict[str, str] = {}
    for problem in error.errors(include_url=False):
        location = [str(part) for part in problem["loc"] if not str(part).startswith(_INNER)]
        # A union reports one problem per member, with the member's name at the end of the location.
        if location and location[-1] in ("bool", "int", "float", "str"):
            found.setdefault(
                ".".join(location[:-1]),
                f"`{'.'.join(location[:-1])}` must be a number, a text, true or false. Received: {problem['input']!r}.",
            )
            continue
        found.setdefault(".".join(location), _line(location, problem, schema))
    lines = list(found.values())
    return lines[:2] if len(lines) <= 2 else [lines[0], f"{lines[1]} (and {len(lines) - 2} more)"]


def _line(location: list[str], problem: Mapping[str, Any], schema: type[BaseModel]) -> str:
    field, received = ".".join(location), problem["input"]
    match problem["type"]:
        case "extra_forbidden":
            return str(_no_field(field, _fields(location[:-1], schema)))
        case "missing":
            return f"`{field}` must be given; it is missing."
        case "value_error":
            said = str(problem["ctx"]["error"])
            # Our own validators speak in whole sentences; one that does not know where it is leaves out the field.
            return f"`{field}` {said}." if said.startswith("must ") else said
        case "literal_error":
            expected = str(problem["ctx"]["expected"])
            names = re.findall(r"'([^']+)'", expected)
            return f"`{field}` must be {expected}. Received: {received!r}.{nearest(received, names)}"
        case "dict_type" | "model_type":
            expectation = "be a mapping of names to values"
        case "string_pattern_mismatch":
            expectation = "begin with a letter or a digit and go on with those, '_', '.' and '-'"
        case "string_too_short":
            expectation = "not be empty"
        case "too_short":
            expectation = f"have at least {problem['ctx']['min_length']} entries"
        case _:
            expectation = re.sub(r"^\w+ should ", "", str(problem["msg"])).partition(" or instance of")[0]
    return f"`{field}` must {expectation}. Received: {received!r}."


def _fields(location: Sequence[str], schema: type[BaseModel]) -> list[str]:
    """Return the names of the fields at `location` in the schema."""
    model = schema
    for name in location:
        if name.isdigit():  # One of a list, of whose entries the schema says what they are.
            continue
        field = model.model_fields.get(name)
        part = _model(field.annotation) if field is not None else None
        if part is None:
            return []
        model = part
    return list(model.model_fields)


def _model(annotation: object) -> type[BaseModel] | None:
    """Return the part of the schema that a field holds, which may be optional: `Part` or `Part | None`."""
    members = [annotation, *get_args(annotation)]
    return next((one for one in members if isinstance(one, type) and issubclass(one, BaseModel)), None)
