"""What the records of a study say, and that they always say the same."""

from dataclasses import replace

import numpy as np
import pytest

from tracking import render, tables
from tracking.arm_summary import SAME_SCORE
from tracking.reading import corrected
from tracking.record import Failure
from tracking.summary import SEED_UNREACHED, summarize
from tracking.two_level import new_data

SHORT = {
    "original": [0.940, 0.938, 0.943],
    "dropout1": [0.970, 0.967, None],
    "dropout2": [0.971, 0.968, 0.973],
}


def failure(key, arm, seed, reason):
    return Failure(key=key, arm=arm, seed=seed, reason=reason, attempts=2)


def measured(store, renamed):
    """Rewrite each record as if the engine had measured `renamed`, new metric to the old one with its values."""
    for key in list(store.keys()):
        trial = store.read(key)
        store.set_aside(key)
        metrics = {new: trial.record.metrics[old] for new, old in renamed.items()}
        history = {new: trial.history[old] for new, old in renamed.items()}
        store.write(replace(trial, record=trial.record.model_copy(update={"metrics": metrics}), history=history))


def test_a_finished_study_has_every_trial_and_a_verdict_for_each_arm(make_study):
    summary = summarize(*make_study())
    assert (summary.planned, summary.done) == (24, 24)
    assert [arm.name for arm in summary.arms] == ["original", "dropout1", "dropout2", "dropout3"]
    assert [one.verdict for one in summary.comparisons] == ["better", "equivalent within the margin", "worse"]
    assert summary.arms[1].metrics["test_accuracy"].mean == pytest.approx(0.96925)
    assert summary.overall["test_accuracy"].n == 24
    assert summary.arms[0].histories["test_loss"].shape == (6, 30)
    assert summary.arms[0].params == 2432


def test_the_facts_come_first_and_then_what_may_be_concluded(make_study):
    summary = summarize(*make_study())
    assert summary.facts[0].startswith("dropout1 against original: +2.89 pp test accuracy, 95% CI [+2.58, +3.19], ")
    assert "Holm p < 0.001, g = " in summary.facts[0]
    assert summary.facts[0].endswith("better in 100% of pairs.")
    assert summary.claims[:2] == (
        "dropout1 is better than original in test accuracy, and dropout3 is worse (family-wise error rate 5%).",
        "dropout2 (TOST p = 0.009) is equivalent to original within 0.5 pp.",
    )
    assert "With 6 seeds per arm this study could reliably detect (80% power)" in summary.claims[-1]
    assert summary.conclusion == " ".join(summary.facts + summary.claims)


def test_a_difference_that_was_not_shown_is_not_called_equality(make_study):
    summary = summarize(*make_study(overrides=["study.margin=0.002"]))
    assert any(
        claim.startswith("For dropout2 no difference was shown (Holm p = 0.690), and equivalence within 0.2 pp was not")
        for claim in summary.claims
    )


def test_a_loss_is_better_when_it_is_lower(make_study):
    summary = summarize(*make_study(overrides=["study.metric=test_loss", "study.margin=null"]))
    assert [one.verdict for one in summary.comparisons] == ["better", "inconclusive", "worse"]
    assert summary.comparisons[0].test.difference < 0
    assert summary.facts[0].endswith("better in 100% of pairs.")
    assert " pp" not in summary.conclusion


def test_a_failed_trial_is_counted_and_named_with_its_reason(make_study):
    manifest, store = make_study(SHORT)
    store.write_failure(failure("dropout1-3", "dropout1", 3, "the loss became NaN\nin epoch 2"))
    summary = summarize(manifest, store)
    arm = summary.arms[1]
    assert (arm.count, arm.metrics["test_accuracy"].n) == ("2 of 3", 2)
    assert (arm.trials[2].state, arm.trials[2].reason) == ("failed", "the loss became NaN in epoch 2")
    assert "dropout1 has 2 of 3 trials (seed 3: the loss became NaN in epoch 2)." in summary.claims


def test_a_record_that_is_not_whole_counts_as_missing(make_study):
    manifest, store = make_study()
    path = store.trials / "dropout1-3" / "record.json"
    path.write_bytes(path.read_bytes()[:100])
    arm = summarize(manifest, store).arms[1]
    assert (arm.count, arm.trials[2].state, arm.trials[2].seconds) == ("5 of 6", "damaged", None)
    assert arm.histories["test_accuracy"].shape == (5, 30)


def test_an_unfinished_study_says_that_it_is_looked_at_early(make_study):
    summary = summarize(*make_study(SHORT))
    assert summary.arms[1].trials[2].state == "pending"
    assert summary.claims[0].startswith("This is an interim view, 8 of 9 trials")


def test_a_study_without_any_trial_has_a_summary_without_numbers(make_study):
    summary = summarize(*make_study({"original": [None, None], "dropout1": [None, None]}))
    assert (summary.done, summary.planned) == (0, 4)
    assert summary.facts == ("dropout1 against original: no finished trial.",)
    assert summary.comparisons[0].p_holm is None


def test_one_seed_gives_means_and_no_tests(make_study):
    summary = summarize(*make_study({"original": [0.94], "dropout1": [0.97]}))
    assert summary.facts == ("dropout1 against original: +3.00 pp test accuracy, not tested.",)
    assert summary.claims == ("Nothing can be concluded about dropout1: one trial: no spread, interval or test.",)


def test_a_seed_that_does_not_reach_the_training_is_named(make_study):
    manifest, store = make_study()
    first = store.read("original-1")
    for seed in range(2, 7):
        store.set_aside(f"original-{seed}")
        record = first.record.model_copy(update={"key": f"original-{seed}", "seed": seed})
        store.write(type(first)(record, first.history, first.predicted, first.correct))
    summary = summarize(manifest, store)
    assert summary.arms[0].flags == (SEED_UNREACHED,)
    assert f"original: {SEED_UNREACHED}." in summary.claims
    assert summary.arms[1].flags == ()


def test_a_score_that_no_seed_changes_is_named_where_other_metrics_change(make_study):
    summary = summarize(*make_study({"original": [0.9, 0.9, 0.9], "dropout1": [0.9, 0.91, 0.92]}))
    assert summary.arms[0].flags == (SAME_SCORE,)
    assert summary.arms[1].flags == ()


def test_the_family_is_that_of_the_comparisons_that_can_be_tested(make_study):
    arms = {"original": [0.90, 0.91, 0.92], "dropout1": [0.93, 0.95, 0.94], "dropout2": [0.93, None, None]}
    summary = summarize(*make_study(arms))
    assert summary.comparisons[0].p_holm == summary.comparisons[0].test.p
    assert corrected(summary) == "corrected by Holm's procedure for 1 comparison at 0.05"


def test_more_than_all_is_not_called_a_detectable_difference(make_study):
    summary = summarize(*make_study({"original": [0.2, 0.9], "dropout1": [0.3, 0.8]}))
    assert summary.comparisons[0].detectable > 1
    assert tables.power(summary).rows[1][3] == "over 100"
    assert summary.claims[-1].endswith("a difference of over 100 pp.")


def test_undecided_arms_share_one_sentence(make_study):
    accuracies = {"original": [0.90, 0.92, 0.91], "b": [0.91, 0.90, 0.93], "c": [0.92, 0.90, 0.91]}
    found = summarize(*make_study(accuracies, overrides=["study.margin=0.001"]))
    sentences = [claim for claim in found.claims if "no difference was shown" in claim]
    assert len(sentences) == 1
    assert sentences[0].startswith("For b and c no difference was shown (smallest Holm p = ")


def test_order_place_and_time_of_the_trials_do_not_change_the_summary(make_study, tmp_path):
    here = summarize(*make_study(runs=tmp_path / "here"))
    there = summarize(*make_study(runs=tmp_path / "there", backwards=True, host="elsewhere"))
    assert here == there
    for one, other in zip(here.arms, there.arms, strict=True):
        for metric, stack in one.histories.items():
            np.testing.assert_array_equal(stack, other.histories[metric])


def test_a_paired_study_compares_seed_by_seed(make_study):
    summary = summarize(*make_study(overrides=["study.paired=true"]))
    assert summary.comparisons[0].test.df == 5
    assert "dropout1 against original (6 pairs by seed): " in summary.facts[0]


def test_intervals_cover_one_minus_alpha(make_study):
    summary = summarize(*make_study(overrides=["study.alpha=0.01"]))
    assert "99% CI" in summary.facts[0]
    assert "family-wise error rate 1%" in summary.conclusion


def test_what_the_trials_hold_is_shown_in_order(make_study):
    manifest, store = make_study()
    measured(
        store,
        {
            "test_loss": "test_loss",
            "validation_loss": "test_loss",
            "validation_accuracy": "test_accuracy",
            "train_accuracy": "train_accuracy",
            "test_accuracy": "test_accuracy",
        },
    )
    summary = summarize(manifest, store)
    assert summary.metrics == (
        "train_accuracy",
        "validation_accuracy",
        "validation_loss",
        "test_accuracy",
        "test_loss",
    )
    assert tuple(summary.arms[0].histories) == summary.metrics
    assert tables.overview(summary).headings[2:4] == ("train accuracy, %", "validation accuracy, %")
    header = render.trials_csv(summary).splitlines()[0]
    assert header == f"arm,seed,key,state,{','.join(summary.metrics)},reason,seconds"
    assert [line.split(",")[0] for line in render.means_csv(summary).splitlines()[1::4]] == list(summary.metrics)


def test_a_regression_has_losses_only(make_study):
    manifest, store = make_study(overrides=["study.metric=test_loss", "study.margin=null"])
    measured(store, {"train_loss": "train_loss", "test_loss": "test_loss"})
    summary = summarize(manifest, store)
    assert summary.metrics == ("train_loss", "test_loss")
    assert [one.verdict for one in summary.comparisons] == ["better", "inconclusive", "worse"]
    assert summary.arms[0].sampling_sd is None
    assert len(tables.trials(summary).headings) == 6
    assert len(tables.power(summary).headings) == 4


def test_a_primary_metric_that_no_trial_holds_is_said_to_be_missing(make_study):
    manifest, store = make_study()
    measured(store, {"validation_accuracy": "test_accuracy"})
    summary = summarize(manifest, store)
    assert summary.metrics == ("validation_accuracy", "test_accuracy")
    assert summary.facts[0] == "dropout1 against original: no finished trial."


def test_all_pairs_are_compared_where_the_study_asks_for_it(make_study, tmp_path):
    assert summarize(*make_study()).pairs == ()
    summary = summarize(*make_study(overrides=["study.all_pairs=true"], runs=tmp_path / "asked"))
    assert [(pair.first, pair.second) for pair in summary.pairs][:3] == [
        ("original", "dropout1"),
        ("original", "dropout2"),
        ("original", "dropout3"),
    ]
    assert len(summary.pairs) == len(tables.pairs(summary).rows) == 6
    assert len(render.pairs_csv(summary).splitlines()) == 7
    assert tables.omnibus(summary).rows[0][2] == "<0.001"


LOOKS = {
    "original": [0.9410, 0.9385, 0.9435, 0.9398, 0.9423, 0.9373],
    "dropout1": [0.9699, 0.9674, 0.9724, None, None, None],
    "dropout2": [0.9423, 0.9398, 0.9448, 0.9373, 0.9435, 0.9385],
}


def test_a_study_with_looks_is_judged_by_them_and_spared_trials_are_not_missed(make_study):
    summary = summarize(*make_study(LOOKS, overrides=["study.replicates={looks:[3,6]}"]))
    stopped, finished = summary.comparisons
    assert (stopped.verdict, stopped.decision.state, stopped.decision.look) == ("better", "rejected", 3)
    assert (finished.verdict, finished.decision.state) == ("equivalent within the margin", "finished")
    assert [arm.count for arm in summary.arms] == ["6", "3", "6"]
    assert (summary.done, summary.planned) == (15, 15)
    assert "over all looks" in summary.conclusion
    assert not any(claim.startswith("This is an interim view") for claim in summary.claims)


def test_before_the_last_look_a_study_with_looks_is_an_interim_view(make_study):
    accuracies = {arm: [*values[:4], None, None] for arm, values in LOOKS.items()}
    summary = summarize(*make_study(accuracies, overrides=["study.replicates={looks:[3,6],alpha:0.1}"]))
    assert [one.decision.state for one in summary.comparisons] == ["rejected", "running"]
    assert [arm.count for arm in summary.arms] == ["4 of 6", "3", "4 of 6"]
    assert summary.design.alpha == 0.1
    assert "90% CI" in summary.facts[0]
    assert summary.claims[0].startswith("This is an interim view, 11 of at most 15 trials")


def test_what_holds_for_new_test_examples_comes_from_the_stored_answers(make_study):
    manifest, store = make_study()
    summary = summarize(manifest, store)
    correct = {
        arm: np.stack([store.read(f"{arm}-{seed}").correct for seed in range(1, 7)]) for arm in ("original", "dropout1")
    }
    assert summary.comparisons[0].new_data == new_data(correct["dropout1"], correct["original"])
    losses = summarize(*make_study(overrides=["study.metric=test_loss"], runs=store.folder / "losses"))
    assert all(one.new_data is None for one in losses.comparisons)
