"""How a study was declared and what it ran on, as names and texts for a page."""

import shlex
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studies.arms import ArmSpec
    from studies.spec import Declaration, StudySpec
    from tracking.manifest import StudyManifest
    from tracking.record import Environment
    from tracking.summary import ArmSummary, StudySummary


def design_facts(summary: "StudySummary", manifest: "StudyManifest") -> dict[str, str]:
    """Return what was declared and on which data, by name; what was not said is left out."""
    study = summary.study
    facts = {
        "Study": f"{study.name} ({study.kind})",
        "Source": study.source,
        "Frozen base": _base(manifest),
        "Model": study.model,
        "Fixed for all arms": _listed(study.fixed),
        **{
            f"Arm {arm.name}": _arm(arm, declared, study.fixed)
            for arm, declared in zip(summary.arms, study.arms.values(), strict=True)
        },
        "Control": study.control,
        "Seeds": _seeds(summary),
        "Looks": _looks(study),
        "Training": _declared(study.training),
        "Primary metric": study.metric,
        "Declared test": f"{'paired by seed' if study.paired else 'unpaired'}, alpha {summary.design.alpha:g}, "
        + (f"equivalence margin {study.margin:g}" if study.margin else "no equivalence margin"),
        "Dataset": _dataset(manifest),
        "Data": _declared(study.data),
        "Data digest": manifest.data_digest,
        "Engine": manifest.engine,
    }
    return {name: text for name, text in facts.items() if text}


def search_facts(study: "StudySpec", manifest: "StudyManifest") -> dict[str, str]:
    """Return what was declared of a search, and on which data, by name; what was not said is left out."""
    assert study.search is not None
    confirm = study.search.confirm
    facts = {
        "Study": f"{study.name} ({study.kind})",
        "Source": study.source,
        "Frozen base": _base(manifest),
        "Model": study.model,
        "Fixed for all settings": _listed(study.fixed),
        "Search": _listed({name: value for name, value in study.search if name not in ("space", "confirm") and value}),
        "Confirmation": f"the best {confirm.settings} against {study.control}, {confirm.replicates} fresh seeds each",
        "Training": _declared(study.training),
        "Dataset": _dataset(manifest),
        "Data": _declared(study.data),
        "Data digest": manifest.data_digest,
        "Engine": manifest.engine,
    }
    return {name: text for name, text in facts.items() if text}


def _dataset(manifest: "StudyManifest") -> str:
    sizes = f"{manifest.spec.dataset.name}, {manifest.n_train} training and {manifest.n_test} test"
    classes = len(manifest.class_names)
    return f"{sizes} images, {classes} classes" if classes else f"{sizes} vectors with a target each"


def environments(summary: "StudySummary") -> list[str]:
    """Return what the trials ran on, with how many trials each."""
    counts = Counter(
        _environment(row.environment) for arm in summary.arms for row in arm.trials if row.environment is not None
    )
    return [f"{count} trial{'s' if count > 1 else ''}: {text}" for text, count in sorted(counts.items())]


def command_of_report(manifest: "StudyManifest") -> str:
    """Return the shell command that writes this report again."""
    spec = manifest.spec if manifest.search is None else manifest.search.spec
    where = f" runs_dir={shlex.quote(spec.runs_dir)}" if spec.runs_dir != "runs" else ""
    return f"python -m tracking.report study={shlex.quote(spec.study.name)}{where}"


def _environment(environment: "Environment") -> str:
    versions = ", ".join(f"{name} {number}" for name, number in sorted(environment.packages.items()))
    commit = f"; commit {environment.git_commit}" if environment.git_commit else ""
    return f"{environment.hardware}; host {environment.host}; Python {environment.python}; {versions}{commit}"


def _base(manifest: "StudyManifest") -> str:
    """Return what the features came from that all arms are trained on, if they are."""
    base = manifest.search.spec.study.base if manifest.search else None
    if base is None:
        return ""
    what = ", ".join(part for part in (base.model, _listed(base.fixed), _declared(base.training)) if part)
    part = f"{1 - base.held_out:.0%} of the training set"
    return f"{what}; trained once, on {part}; its features of the rest are the data"


def _arm(arm: "ArmSummary", declared: "ArmSpec", fixed: Mapping[str, Any]) -> str:
    """Return what an arm has of its own: values, model and training."""
    own = [
        _listed({name: value for name, value in arm.setting.items() if name not in fixed or fixed[name] != value}),
        f"model {declared.model}" if declared.model else "",
        f"training: {_listed(dict(_flattened(declared.training)))}" if declared.training else "",
    ]
    said = "; ".join(part for part in own if part) or "nothing but what is fixed"
    return said if arm.params is None else f"{said} ({arm.params:,} trainable parameters)"


def _looks(study: "StudySpec") -> str:
    """Return when a study with looks may stop an arm, and at which error rate."""
    declared = study.sequential
    if declared is None:
        return ""
    futile = "; an arm with little chance is given up" if declared.futility else ""
    looks = ", ".join(map(str, declared.looks))
    return f"after {looks} replicates (Lan-DeMets, O'Brien-Fleming spending){futile}"


def _seeds(summary: "StudySummary") -> str:
    seeds = sorted({row.seed for arm in summary.arms for row in arm.trials})
    if not seeds:
        return ""
    run = seeds == list(range(seeds[0], seeds[-1] + 1))
    shown = f"{seeds[0]} to {seeds[-1]}" if run else ", ".join(map(str, seeds))
    return f"{shown}, shared between the arms"


def _declared(part: "Declaration") -> str:
    """Return what differs from the defaults, such as `epochs 30, batch_size 64, augmentation.crop 28`."""
    return _listed(dict(_flattened(part.model_dump(mode="json", exclude_defaults=True))))


def _flattened(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            found += _flattened(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", value))
    return found


def _listed(setting: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in setting.items())
