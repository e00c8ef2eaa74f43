"""What a metric's name tells about its direction."""

import pytest

from tracking.direction import guess


@pytest.mark.parametrize(
    "metric",
    [
        *("test_accuracy", "acc", "val-acc", "TestAccuracy", "AUC", "macro F1", "top5_acc", "R2", "eval/bleu", "mAP"),
        *("neg_mean_squared_error", "neg_log_loss"),
    ],
)
def test_more_is_better(metric):
    assert guess(metric) == "max"


@pytest.mark.parametrize(
    "metric",
    [
        "test_loss",
        "valLoss",
        "error_rate",
        "RMSE",
        "perplexity",
        "WER",
        "seconds",
        "negative_log_likelihood",
        "val/nll",
    ],
)
def test_less_is_better(metric):
    assert guess(metric) == "min"


@pytest.mark.parametrize("metric", ["outcome", "x", "", "accuracy_loss", "lossless", "score_time", "42"])
def test_a_name_that_does_not_tell_or_tells_two_things_is_not_guessed(metric):
    assert guess(metric) is None
