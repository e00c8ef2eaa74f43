"""From arguments to a validated study: what is understood, and what is said about what is not."""

import re
from pathlib import Path

import pytest

from studies.compose import choices, compose
from studies.errors import InputError
from studies.spec import RunSpec

ABLATION = "study=dropout_ablation"
STUDIES = ", ".join(choices("study"))
FILE = """\
name: mine
kind: ablation
question: Is less more?
model: two_block_cnn
control: none
arms:
  none: {placement: none}
  some: {placement: after_flatten, rate: 0.5}
replicates: 2
training: {epochs: 1, batch_size: 64}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of the user's own, whose name needs quotes in Hydra's grammar."""
    folder = tmp_path / "my studies, it's = fine"
    (folder / "study").mkdir(parents=True)
    (folder / "study" / "mine.yaml").write_text(FILE)
    return folder


def refusal(*overrides: str, folders: tuple[Path, ...] = ()) -> str:
    with pytest.raises(InputError) as caught:
        compose(overrides, folders)
    message = str(caught.value)
    assert 1 <= len(message.splitlines()) <= 2, message
    return message


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("study=dropout_abblation", f"`study` must be one of: {STUDIES}. Received: 'dropout_abblation'. Did you "
         "mean 'dropout_ablation'?"),
        ("dataset=digit", "`dataset` must be one of: cifar10, cifar100, digits, fashion_mnist, folder, gtsrb, npz, "
         "sine. Received: 'digit'. Did you mean 'digits'?"),
        ("executor=locl", "`executor` must be one of: dask, local. Received: 'locl'. Did you mean 'local'?"),
        ("stdy.replicates=2", "`stdy.replicates` is not a field. Fields here: study, dataset, executor, runs_dir, "
         "tracking_uri, backend, storage. Did you mean 'study'?"),
        ("run_dir=x", "`run_dir` is not a field. Fields here: study, dataset, executor, runs_dir, tracking_uri, "
         "backend, storage. Did you mean 'runs_dir'?"),
        ("study.training.epoch=2", "`study.training.epoch` is not a field. Fields here: epochs, batch_size, "
         "augmentation, precision, early_stopping. Did you mean 'epochs'?"),
        ("study.training.augmentation.corp=2", "`study.training.augmentation.corp` is not a field. Fields here: "
         "rotation, shift, crop, flip, flip_classes, brightness, saturation, contrast, clip. Did you mean 'crop'?"),
        ("executor.worker=2", "`executor.worker` is not a field. Fields here: name, workers, fuse, device, "
         "trials_per_worker, address, cluster, options, resources. Did you mean 'workers'?"),
        ("dataset.path=x", "`dataset.path` is not a field. Fields here: name, dir, file, csv, size, "
         "test_fraction, suggested."),
        ("study.control=orignal", "`study.control` must name one of the arms. Received: control='orignal', "
         "arms=['original', 'dropout1', 'dropout2', 'dropout3']. Did you mean 'original'?"),
        ("study.metric=test_acuracy", "`study.metric` must be 'train_accuracy', 'train_loss', "
         "'validation_accuracy', 'validation_loss', 'test_accuracy' or 'test_loss'. Received: 'test_acuracy'. "
         "Did you mean 'test_accuracy'?"),
        ("study.kind=serach", "`study.kind` must be 'ablation' or 'search'. Received: 'serach'. Did you mean "
         "'search'?"),
    ],
)  # fmt: skip
def test_a_misspelt_name_is_refused_with_the_nearest_valid_one(override: str, said: str) -> None:
    assert refusal(ABLATION, override) == said


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("study.data.validation.fractoin=0.2", "Fields here: fraction, folds, group, seed. Did you mean 'fraction'?"),
        ("study.training.early_stopping.patiense=3", "Did you mean 'patience'?"),
        ("study.search.setings=3", "Did you mean 'settings'?"),
        ("study.search.confirm.replicate=3", "Fields here: settings, replicates. Did you mean 'replicates'?"),
    ],
)
def test_inside_an_optional_part_the_nearest_name_is_found_too(override: str, nearest: str) -> None:
    said = refusal("study=dropout_search", override)
    assert f"`{override.partition('=')[0]}` is not a field. " in said
    assert nearest in said


def test_a_misspelt_field_of_a_study_is_named_with_all_fields_and_the_nearest() -> None:
    said = refusal(ABLATION, "study.replicate=2")
    assert said.startswith("`study.replicate` is not a field. Fields here: name, kind, question,")
    assert said.endswith("budgets. Did you mean 'replicates'?")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("study.replicates=many", "`study.replicates` must be a valid integer. Received: 'many'."),
        ("study.replicates=1.5", "`study.replicates` must be a valid integer. Received: 1.5."),
        ("study.replicates=true", "`study.replicates` must be a valid integer. Received: True."),
        ("study.replicates='3'", "`study.replicates` must be a valid integer. Received: '3'."),
        ("study.replicates=", "`study.replicates` must be a valid integer. Received: ''."),
        ("study.replicates=0", "`study.replicates` must be greater than or equal to 1. Received: 0."),
        ("study.replicates=1001", "`study.replicates` must be less than or equal to 1000. Received: 1001."),
        ("study.first_seed=-1", "`study.first_seed` must be greater than or equal to 0. Received: -1."),
        ("study.training.epochs=0", "`study.training.epochs` must be greater than or equal to 1. Received: 0."),
        ("study.training=5", "`study.training` must be a mapping of names to values. Received: 5."),
        ("study.margin=0", "`study.margin` must be greater than 0. Received: 0."),
        ("study.margin=-0.1", "`study.margin` must be greater than 0. Received: -0.1."),
        ("study.margin=true", "`study.margin` must be a valid number. Received: True."),
        ("study.alpha=0", "`study.alpha` must be greater than 0. Received: 0."),
        ("study.alpha=0.5", "`study.alpha` must be less than 0.5. Received: 0.5."),
        ("study.alpha=nan", "`study.alpha` must be a finite number. Received: nan."),
        ("study.paired=maybe", "`study.paired` must be a valid boolean. Received: 'maybe'."),
        ("study.question=''", "`study.question` must not be empty. Received: ''."),
        ("study.name=data", "`study.name` must be another name: runs/data holds the datasets. Received: 'data'."),
        ("study.name=a/b", "`study.name` must begin with a letter or a digit and go on with those, '_', '.' and '-'. "
         "Received: 'a/b'."),
        ("study.name=..", "`study.name` must begin with a letter or a digit and go on with those, '_', '.' and '-'. "
         "Received: '..'."),
        ("study.arms.dropout1.rate=[1,2]", "`study.arms.dropout1.rate` must be a number, a text, true or false. "
         "Received: [1, 2]."),
        ("study.arms.dropout1.rate=null", "`study.arms.dropout1.rate` must be a number, a text, true or false. "
         "Received: None."),
        ("study.arms.more=5", "`study.arms.more` must be a mapping of names to values. Received: 5."),
        ("executor.workers=0", "`executor.workers` must be greater than or equal to 1. Received: 0."),
        ("runs_dir=", "`runs_dir` must not be empty. Received: ''."),
        ("tracking_uri=5", "`tracking_uri` must be a valid string. Received: 5."),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_with_what_was_expected_and_received(override: str, said: str) -> None:
    assert refusal(ABLATION, override) == said


@pytest.mark.parametrize(
    ("override", "meant"),
    [
        ("replicates=3", "study.replicates"),
        ("arms.dropout1.rate=0.3", "study.arms.dropout1.rate"),
        ("epochs=3", "study.training.epochs"),
    ],
)
def test_a_field_of_the_study_that_is_asked_for_without_saying_so_is_found(override: str, meant: str) -> None:
    name = override.partition("=")[0]
    assert refusal(ABLATION, override) == f"`{name}` is not a field. Did you mean '{meant}'?"


def test_a_misspelt_field_is_what_is_wrong_and_not_that_the_right_one_is_missing() -> None:
    said = refusal(ABLATION, "dataset=npz", "dataset.dir=data", "dataset.fil=my.npz")
    assert said.startswith("`dataset.fil` is not a field. Fields here: name, dir, file,")
    assert said.endswith("Did you mean 'file'?")
    assert refusal(ABLATION, "dataset=npz", "dataset.dir=data") == "`dataset.file` must be given: dataset.file=VALUE."


def test_a_list_in_the_place_of_a_mapping_is_refused() -> None:
    said = refusal(ABLATION, "study.arms=[a,b]")
    assert said == "`study.arms` must be of the kind that it is in the file. Received: '[a,b]'."


def test_several_wrong_fields_are_named_in_two_lines() -> None:
    said = refusal(ABLATION, "study.replicates=0", "study.alpha=0", "study.margin=0", "study.paired=7")
    assert said.splitlines() == [
        "`study.replicates` must be greater than or equal to 1. Received: 0.",
        "`study.paired` must be a valid boolean. Received: 7. (and 2 more)",
    ]


def test_a_study_needs_arms() -> None:
    assert refusal(ABLATION, "~study.arms") == "`study.arms` must have at least 2 entries. Received: []."


def test_a_study_file_without_an_arm_is_refused(mine: Path) -> None:
    file = mine / "study" / "mine.yaml"
    file.write_text(re.sub(r"arms:\n(  .*\n)+", "arms: {}\n", FILE))
    assert refusal("study=mine", folders=(mine,)) == "`study.arms` must have at least 2 entries. Received: []."


def test_one_arm_is_nothing_to_compare() -> None:
    said = refusal(ABLATION, "~study.arms.dropout1", "~study.arms.dropout2", "~study.arms.dropout3")
    assert said == "`study.arms` must have at least 2 entries. Received: ['original']."


def test_deleting_the_control_is_deleting_what_the_others_are_compared_with() -> None:
    said = refusal(ABLATION, "~study.arms.original")
    assert said == (
        "`study.control` must name one of the arms. Received: control='original', "
        "arms=['dropout1', 'dropout2', 'dropout3']."
    )


def test_two_arms_of_one_setting_are_refused() -> None:
    said = refusal(ABLATION, "study.arms.dropout2.placement=after_pooling")
    assert said == (
        "`study.arms.dropout2` must differ from every other arm. "
        "Received: {'placement': 'after_pooling', 'rate': 0.5}, as in 'dropout1'."
    )


def test_arms_that_what_is_fixed_makes_equal_are_refused() -> None:
    said = refusal(
        ABLATION, "study.fixed.rate=0.5", "~study.arms.dropout2.rate", "study.arms.more.placement=after_flatten"
    )
    assert said.startswith("`study.arms.more` must differ from every other arm.")


def test_an_empty_mapping_is_refused_since_it_would_quietly_change_nothing() -> None:
    said = refusal(ABLATION, "study.arms={}")
    assert said == "`study.arms={}` would change nothing: values are merged. ~study.arms.NAME deletes one."


def test_a_study_must_be_named() -> None:
    assert refusal() == f"`study=NAME` is missing. Studies: {STUDIES}."
    assert refusal("study.replicates=3") == f"`study=NAME` is missing. Studies: {STUDIES}."


def test_a_dataset_of_ones_own_needs_its_folder_and_its_file() -> None:
    assert refusal(ABLATION, "dataset=npz") == "`dataset.dir` must be given: dataset.dir=VALUE."
    assert refusal(ABLATION, "dataset=npz", "dataset.dir=.") == "`dataset.file` must be given: dataset.file=VALUE."


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("study", "An override has the form field=value. Received: 'study'. Did you mean 'study=NAME'?"),
        ("dropout_ablation", "An override has the form field=value. Received: 'dropout_ablation'. Did you mean "
         "'study=dropout_ablation'?"),
        ("study.replicates", "An override has the form field=value. Received: 'study.replicates'."),
        ("=5", "An override has the form field=value. Received: '=5'."),
        ("study.replicates=[1", "An override has the form field=value, with quotes around special characters. "
         "Received: 'study.replicates=[1'."),
        ('study.question="x', "An override has the form field=value, with quotes around special characters. "
         "Received: 'study.question=\"x'."),
        ("study.arms.a b.rate=1", "An override has the form field=value, with quotes around special characters. "
         "Received: 'study.arms.a b.rate=1'."),
    ],
)  # fmt: skip
def test_a_malformed_override_is_shown_with_the_form_it_should_have(override: str, said: str) -> None:
    assert refusal(ABLATION, override) == said


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("study.replicates=${nope}", "Interpolation key 'nope' not found full_key: study.replicates"),
        ("study.replicates=${study.replicates}", "Recursive interpolation detected full_key: study.replicates"),
        ("study.replicates=1,2", "Ambiguous value for argument '++study.replicates=1,2'"),
        ("~study.arms.nope", "'study.arms.nope' does not exist"),
        ("~nope", "'nope' does not exist"),
        ("dataset/foo=1", "Could not override 'dataset/foo'"),
    ],
)
def test_what_hydra_cannot_compose_is_said_in_its_words(override: str, said: str) -> None:
    message = refusal(ABLATION, override)
    assert message.startswith("The configuration cannot be composed: ")
    assert said in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: [mine\n", "The configuration cannot be composed: while parsing a flow sequence in .*mine.yaml"),
        (b"name: mine\nname: yours\n", "The configuration cannot be composed: .*mine.yaml.* found duplicate key name"),
        (b"\xff\xfename: mine\n", "The configuration cannot be composed: 'utf-8' codec can't decode"),
        (b"- mine\n", r"`study` must be a mapping of names to values. Received: \['mine'\]."),
        (b"", "`study.name` must be given; it is missing.\n`study.kind` .* \\(and 4 more\\)"),
        (FILE.replace("some:", "'so me':").encode(), "`study.arms.so me` must begin with a letter or a digit"),
    ],
    ids=["unfinished", "said twice", "not text", "a list", "empty", "an arm with a space"],
)  # fmt: skip
def test_a_study_file_that_cannot_be_used_is_refused(mine: Path, content: bytes, said: str) -> None:
    (mine / "study" / "mine.yaml").write_bytes(content)
    assert re.match(said, refusal("study=mine", folders=(mine,)))
    assert re.match(said, refusal("study=mine", "dataset=gtsrb", folders=(mine,)))


def test_a_config_dir_must_be_a_folder(mine: Path) -> None:
    for path in (mine / "nowhere", mine / "study" / "mine.yaml"):
        said = refusal(ABLATION, folders=(path,))
        assert said == f"`--config-dir` must be a folder with study/*.yaml in it. Received: {str(path)!r}."


def test_a_name_that_two_folders_have_is_refused_instead_of_taking_the_first(mine: Path) -> None:
    (mine / "study" / "dropout_ablation.yaml").write_text(FILE)
    said = refusal(ABLATION, folders=(mine,))
    assert said.startswith("`study=dropout_ablation` must mean one file; rename yours. Received: ")
    assert str(mine / "study" / "dropout_ablation.yaml") in said


def test_a_study_of_ones_own_is_suggested_too(mine: Path) -> None:
    said = refusal("study=mien", folders=(mine,))
    names = ", ".join(sorted([*choices("study"), "mine"]))
    assert said == f"`study` must be one of: {names}. Received: 'mien'. Did you mean 'mine'?"


def test_the_default_is_the_digits_with_what_suits_them() -> None:
    run = compose([ABLATION])
    assert (run.dataset.name, run.executor.name, run.runs_dir, run.tracking_uri) == ("digits", "local", "runs", None)
    assert (run.study.training.epochs, run.study.training.batch_size) == (30, 64)
    assert run.study.seeds == (1, 2, 3, 4, 5, 6)
    assert run.study.setting("dropout1") == {"placement": "after_pooling", "rate": 0.5}


def test_any_field_is_set_without_a_plus() -> None:
    run = compose(
        [
            ABLATION,
            "study.arms.dropout1.rate=0.3",
            "study.arms.more.placement=none",
            "study.arms.more.optimizer=sgd",
            "study.fixed.learning_rate=0.01",
            "study.first_seed=7",
            "study.replicates=2",
            "dataset.suggested.epochs=4",
            "executor.workers=3",
            "study.margin=null",
            "tracking_uri=http://localhost:5000",
        ]
    )
    assert run.study.setting("dropout1") == {"learning_rate": 0.01, "placement": "after_pooling", "rate": 0.3}
    assert run.study.setting("more") == {"learning_rate": 0.01, "placement": "none", "optimizer": "sgd"}
    assert run.study.seeds == (7, 8)
    assert run.study.training.epochs == 4
    assert run.executor.workers == 3
    assert run.study.margin is None
    assert run.tracking_uri == "http://localhost:5000"


def test_hydras_own_spelling_means_the_same() -> None:
    assert compose([ABLATION, "++study.replicates=2"]) == compose([ABLATION, "study.replicates=2"])


def test_a_whole_number_is_a_number_and_stays_whole_where_it_must() -> None:
    assert compose([ABLATION, "study.margin=1"]).study.margin == 1.0


def test_a_tilde_deletes_an_arm() -> None:
    assert list(compose([ABLATION, "~study.arms.dropout3"]).study.arms) == ["original", "dropout1", "dropout2"]


def test_an_arm_may_be_all_defaults() -> None:
    assert compose([ABLATION, "study.arms.plain={}"]).study.setting("plain") == {}


def test_a_study_in_a_folder_of_ones_own_is_listed_and_composed(mine: Path) -> None:
    assert choices("study", [mine]) == sorted([*choices("study"), "mine"])
    run = compose(["study=mine", "study.replicates=3"], [mine])
    assert (run.study.name, run.study.question, run.study.replicates) == ("mine", "Is less more?", 3)
    assert compose([ABLATION], [mine]).study.name == "dropout_ablation"


def test_a_study_may_start_from_another(mine: Path) -> None:
    (mine / "study" / "longer.yaml").write_text("defaults: [mine, _self_]\nname: longer\ntraining: {epochs: 9}\n")
    longer, shorter = (compose([f"study={name}"], [mine]).study for name in ("longer", "mine"))
    assert (longer.name, longer.training.epochs) == ("longer", 9)
    assert longer.arms == shorter.arms
    assert longer.training.batch_size == shorter.training.batch_size


def named(*overrides: str, folders: tuple[Path, ...] = ()) -> str:
    return compose(overrides, folders).study.name


def test_on_another_dataset_a_study_is_another_study_with_what_suits_that_one() -> None:
    run = compose([ABLATION, "dataset=gtsrb"])
    assert run.study.name == "dropout_ablation-gtsrb"
    assert (run.study.training.epochs, run.study.training.batch_size) == (15, 128)
    assert named(ABLATION, "dataset=npz", "dataset.dir=.", "dataset.file=x.npz") == "dropout_ablation-npz"


def test_on_its_own_dataset_a_study_keeps_its_name() -> None:
    assert named(ABLATION, "dataset=digits") == "dropout_ablation"
    assert named(ABLATION, "dataset.suggested.epochs=2") == "dropout_ablation"


@pytest.mark.parametrize("spelling", ["study.name=signs", "++study.name=signs"])
def test_a_name_that_is_given_overrules_the_one_made_from_the_dataset(spelling: str) -> None:
    assert named(ABLATION, "dataset=gtsrb", spelling) == "signs"
    assert named(ABLATION, spelling) == "signs"


def test_a_study_may_say_which_dataset_is_its_own(mine: Path) -> None:
    home = "defaults:\n  - override /dataset@_global_.dataset: npz\n  - _self_\n"
    (mine / "study" / "mine.yaml").write_text(home + FILE)
    data = ("dataset.dir=.", "dataset.file=x.npz")
    assert named("study=mine", *data, folders=(mine,)) == "mine"
    assert named("study=mine", "dataset=digits", folders=(mine,)) == "mine-digits"


def test_what_was_composed_cannot_be_changed_and_survives_json() -> None:
    run = compose([ABLATION])
    assert RunSpec.model_validate_json(run.model_dump_json()) == run
    with pytest.raises(ValueError, match="frozen"):
        run.study.replicates = 2  # type: ignore[misc]
