"""What two arms confuse: classes in an order that brings confused ones together, worst pairs, telling examples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracking.predictions import ArmPredictions, Predictions

Shares = NDArray[np.float64]


@dataclass(frozen=True)
class ConfusedPair:
    """A true class taken for another, as shares of the true class's images over all trials."""

    true: int
    predicted: int
    arm: float
    control: float


@dataclass(frozen=True)
class ToldApart:
    """A test image that the trials of two arms judge differently."""

    example: int
    true: int
    right_in_arm: int
    """Trials of the arm that are right."""
    right_in_control: int
    taken_for: int
    """The class that the arm with fewer right answers gives most often among its wrong ones."""


def class_order(predictions: Predictions) -> list[int]:
    """Return the classes so that those which any arm confuses stand next to each other.

    Average linkage on -log of the symmetrised share of confusions, leaves in optimal order (Bar-Joseph 2001).
    """
    shares = np.mean([one.shares for one in predictions.arms.values()], axis=0)
    classes = len(shares)
    if classes < 3:
        return list(range(classes))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = -np.log((shares + shares.T) / 2 + 1e-6)
    np.fill_diagonal(distance, 0.0)
    condensed = squareform(np.maximum(distance, 0.0), checks=False)
    order: list[int] = leaves_list(linkage(condensed, "average", optimal_ordering=True)).tolist()
    return order


def class_accuracy(one: ArmPredictions) -> Shares:
    """Return the (classes,) share of right answers over all trials; NaN for a class without test images."""
    totals = one.confusion.sum(axis=1)
    return np.where(totals > 0, np.diag(one.confusion) / np.maximum(totals, 1), np.nan)


def worst_pairs(arm: ArmPredictions, control: ArmPredictions, count: int) -> list[ConfusedPair]:
    """Return the pairs of classes that the two arms together confuse most often, in images per trial."""
    wrong = arm.confusion / arm.trials + control.confusion / control.trials
    np.fill_diagonal(wrong, 0.0)
    places = np.argsort(-wrong, axis=None, kind="stable")[:count]
    pairs = [divmod(int(place), len(wrong)) for place in places if wrong.flat[place] > 0]
    return [
        ConfusedPair(true, given, float(arm.shares[true, given]), float(control.shares[true, given]))
        for true, given in pairs
    ]


def told_apart(predictions: Predictions, arm: str, control: str, count: int) -> list[ToldApart]:
    """Return the test images that most trials of `arm` get right and most of `control` wrong, the clearest first."""
    one, other = predictions.arms[arm], predictions.arms[control]
    lead = one.right * other.trials - other.right * one.trials  # Whole numbers, so that ties are ties.
    # A majority on either side: else an image that one trial of many gets right would count as told apart.
    clear = (2 * one.right > one.trials) & (2 * other.right < other.trials)
    places = [int(place) for place in np.argsort(-lead, kind="stable") if clear[place]][:count]
    return [
        ToldApart(
            example=place,
            true=int(predictions.labels[place]),
            right_in_arm=int(one.right[place]),
            right_in_control=int(other.right[place]),
            taken_for=_mistake(other, place, int(predictions.labels[place])),
        )
        for place in places
    ]


def majorities(predictions: Predictions, arm: str, control: str) -> tuple[int, int]:
    """Return in how many test images most trials of `arm` are right and most of `control` wrong, and the reverse."""
    one, other = predictions.arms[arm], predictions.arms[control]
    first, second = 2 * one.right, 2 * other.right
    gained = (first > one.trials) & (second < other.trials)
    lost = (first < one.trials) & (second > other.trials)
    return int(gained.sum()), int(lost.sum())


def _mistake(one: ArmPredictions, example: int, true: int) -> int:
    given = one.predicted[:, example]
    classes, counts = np.unique(given[given != true], return_counts=True)
    return int(classes[counts.argmax()])
