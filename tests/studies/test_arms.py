"""Arms that a design generates, arms that differ in more than hyperparameters, and budgets."""

from pathlib import Path

import pytest

from studies.compose import choices, compose
from studies.errors import InputError
from studies.spec import RunSpec, StudySpec

STUDY = """\
name: mine
kind: ablation
question: Which parts matter?
model: two_block_cnn
control: {control}
{arms}
replicates: 4
training: {{epochs: 20, batch_size: 32, augmentation: {{crop: 28}}}}
budgets:
  smoke: {{replicates: 2, training: {{epochs: 1}}, data: {{train_limit: 500}}}}
  full: {{}}
"""
COMPONENTS = """\
design:
  kind: {kind}
  components:
    norm: {{batch_norm: true}}
    dropout: {{placement: after_pooling, rate: 0.5}}
    contrast: {{training: {{augmentation: {{contrast: [0.7, 1.3]}}}}}}
"""


def composed(folder: Path, arms: str, control: str, *overrides: str) -> RunSpec:
    (folder / "study").mkdir(exist_ok=True)
    (folder / "study" / "mine.yaml").write_text(STUDY.format(arms=arms, control=control))
    return compose(["study=mine", *overrides], [folder])


def refusal(folder: Path, arms: str, control: str, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        composed(folder, arms, control, *overrides)
    return str(caught.value)


def test_a_factorial_design_has_every_combination_under_a_readable_name(tmp_path: Path) -> None:
    study = composed(tmp_path, COMPONENTS.format(kind="factorial"), "base").study
    assert list(study.arms) == [
        *("base", "contrast", "dropout", "dropout+contrast"),
        *("norm", "norm+contrast", "norm+dropout", "norm+dropout+contrast"),
    ]
    assert study.setting("norm+dropout") == {"batch_norm": True, "placement": "after_pooling", "rate": 0.5}
    assert study.setting("base") == {}


def test_leaving_one_out_starts_from_all_and_turns_each_component_off(tmp_path: Path) -> None:
    study = composed(tmp_path, COMPONENTS.format(kind="leave_one_out"), "all").study
    assert list(study.arms) == ["all", "without_norm", "without_dropout", "without_contrast"]
    assert study.setting("without_norm") == {"placement": "after_pooling", "rate": 0.5}
    assert study.training_of("without_norm").augmentation.contrast == [0.7, 1.3]
    assert study.training_of("without_contrast").augmentation.contrast is None


def test_one_at_a_time_starts_from_nothing_and_turns_each_component_on(tmp_path: Path) -> None:
    study = composed(tmp_path, COMPONENTS.format(kind="one_at_a_time"), "base").study
    assert list(study.arms) == ["base", "norm", "dropout", "contrast"]
    assert study.setting("dropout") == {"placement": "after_pooling", "rate": 0.5}


def test_a_component_may_have_named_levels(tmp_path: Path) -> None:
    levels = "{none: {placement: none}, pooled: {placement: after_pooling}, flat: {placement: after_flatten}}"
    design = f"design: {{kind: factorial, components: {{dropout: {levels}, norm: {{batch_norm: true}}}}}}"
    study = composed(tmp_path, design, "none").study
    assert list(study.arms) == ["none", "norm", "pooled", "pooled+norm", "flat", "flat+norm"]
    assert study.setting("none") == {"placement": "none"}


def test_what_an_arm_says_of_training_is_merged_into_the_training_of_the_study(tmp_path: Path) -> None:
    arms = "arms: {plain: {}, bright: {training: {epochs: 5, augmentation: {brightness: 0.1}}}}"
    study = composed(tmp_path, arms, "plain").study
    training = study.training_of("bright")
    assert (training.epochs, training.batch_size) == (5, 32)
    assert (training.augmentation.crop, training.augmentation.brightness) == (28, 0.1)
    assert study.training_of("plain") == study.training


def test_arms_may_be_of_different_models(tmp_path: Path) -> None:
    study = composed(tmp_path, "arms: {small: {}, large: {model: vgg_small}}", "small").study
    assert [study.model_of(arm) for arm in study.arms] == ["two_block_cnn", "vgg_small"]


def test_a_study_with_a_design_is_the_same_after_a_round_through_its_manifest(tmp_path: Path) -> None:
    study = composed(tmp_path, COMPONENTS.format(kind="factorial"), "base").study
    assert StudySpec.model_validate_json(study.model_dump_json()) == study


@pytest.mark.parametrize(
    ("arms", "control", "overrides", "said"),
    [
        (
            COMPONENTS.format(kind="factorial"), "bas", [],
            "`study.control` must name one of the arms. Received: control='bas', arms=['base', 'contrast'",
        ),
        (
            COMPONENTS.format(kind="factorial") + "arms: {one: {rate: 0.1}}", "base", [],
            "`study.arms` must be left out where `study.design` generates them. Received: ['one'].",
        ),
        (
            "design: {kind: leave_one_out, components: {norm: {a: {}, b: {batch_norm: true}, c: {rate: 0.1}}}}",
            "all", [],
            "`study.design.components.norm` must be on or off in a leave_one_out design. Received: 3 levels",
        ),
        (
            "arms: {plain: {}, short: {training: {epoch: 5}}}", "plain", [],
            "`study.arms.short.training.epoch`: Extra inputs are not permitted. Received: 5.",
        ),
        (
            "arms: {plain: {}, same: {training: {epochs: 20}}}", "plain", [],
            "`study.arms.same` must differ from every other arm. Received: {}, as in 'plain'.",
        ),
        (
            "arms: {plain: {}, nested: {rate: {low: 1}}}", "plain", [],
            "`study.arms.nested.rate` must be a number, a text, true or false. Received: {'low': 1}.",
        ),
        (
            "arms: {plain: {}, other: {rate: 0.1}}", "plain", ["study.budget=smok"],
            "`study.budget` must be one of: full, smoke. Received: 'smok'. Did you mean 'smoke'?",
        ),
        (
            "arms: {plain: {}, other: {rate: 0.1}}", "plain", ["study.training.early_stopping={patience: 3}"],
            "`study.data.validation.fraction` must be given where `study.training.early_stopping` looks at what is "
            "held out. Received: `study.data.validation` is null.",
        ),
        (
            "arms: {plain: {}, other: {rate: 0.1}}", "plain", ["study.data.validation={folds: 3}"],
            "`study.data.validation.folds` must be left out of an ablation: its replicates differ in seed. ",
        ),
        (
            "arms: {plain: {}, other: {rate: 0.1}}", "plain", ["study.replicates={looks: [5, 5]}"],
            "`study.replicates.looks` must ascend from 2 or more. Received: [5, 5].",
        ),
        (
            "arms: {plain: {}, other: {rate: 0.1}}", "plain", ["study.metric=validation_loss"],
            "`study.metric` must be one that is measured; `study.data.validation` is null. ",
        ),
    ],
)  # fmt: skip
def test_a_design_or_an_arm_that_cannot_be_is_refused(
    tmp_path: Path, arms: str, control: str, overrides: list[str], said: str
) -> None:
    assert refusal(tmp_path, arms, control, *overrides).startswith(said)


def test_a_budget_changes_what_it_names_and_the_command_line_still_wins(tmp_path: Path) -> None:
    arms = "arms: {plain: {}, other: {rate: 0.1}}"
    smoke = composed(tmp_path, arms, "plain", "study.budget=smoke").study
    assert (smoke.replicates, smoke.training.epochs, smoke.data.train_limit) == (2, 1, 500)
    assert smoke.training.batch_size == 32
    longer = composed(tmp_path, arms, "plain", "study.budget=smoke", "study.training.epochs=7").study
    assert (longer.replicates, longer.training.epochs) == (2, 7)
    full = composed(tmp_path, arms, "plain", "study.budget=full").study
    assert (full.replicates, full.training.epochs, full.data.train_limit) == (4, 20, None)


@pytest.mark.parametrize("study", choices("study"))
@pytest.mark.parametrize("budget", [[], ["study.budget=smoke"], ["study.budget=quick"], ["study.budget=full"]])
def test_every_study_that_comes_along_is_valid_at_every_budget(study: str, budget: list[str]) -> None:
    backend = "jax" if study == "precision_equivalence" else "tensorflow"
    assert compose([f"study={study}", f"backend={backend}", *budget]).study.name == study
