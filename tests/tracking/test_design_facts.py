"""What a report says of how its study was declared."""

import dataclasses

from studies.spec import StudySpec
from tracking.design_facts import design_facts
from tracking.summary import summarize


def facts_of(made, **changed):
    manifest, store = made
    summary = summarize(manifest, store)
    study = StudySpec.model_validate({**summary.study.model_dump(exclude_unset=True), **changed})
    return design_facts(dataclasses.replace(summary, study=study), manifest)


def test_what_an_arm_has_of_its_own_is_said_model_and_training_too(make_study):
    own = {"rate": 0.5, "model": "cifar_small", "training": {"epochs": 10, "augmentation": {"crop": 24}}}
    facts = facts_of(make_study({"original": [0.9], "dropout1": [0.9]}), arms={"original": {}, "dropout1": own})
    assert facts["Arm original"].endswith("(2,432 trainable parameters)")
    # The value is that of the trials.
    assert facts["Arm dropout1"] == (
        "rate 0.01; model cifar_small; training: epochs 10, augmentation.crop 24 (2,432 trainable parameters)"
    )


def test_looks_are_said_only_of_a_study_that_has_them(make_study):
    looks = {"looks": [3, 6], "futility": True}
    made = make_study()
    assert "Looks" not in facts_of(made)
    assert facts_of(made, replicates=looks)["Looks"] == (
        "after 3, 6 replicates (Lan-DeMets, O'Brien-Fleming spending); an arm with little chance is given up"
    )
    assert facts_of(made, replicates={"looks": [3, 6]})["Looks"].endswith("spending)")
