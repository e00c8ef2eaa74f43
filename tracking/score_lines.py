"""A search in lines, as cross-validated searches are usually printed: the best, each setting, the time it took."""

from typing import TYPE_CHECKING

from tracking.scale import duration

if TYPE_CHECKING:
    from tracking.record import TrialRecord
    from tracking.searched import Searched, SettingRow


def score_lines(searched: "Searched", base: "TrialRecord | None" = None) -> list[str]:
    """Return the best score with its setting, then mean (sd) of every setting, in the order of asking, then the time.

    Args:
        searched: the choosing phase.
        base: the trial of the frozen base that the search stands on, which is told apart from what it took itself.
    """
    metric = searched.objective.replace("_", " ")
    best = [f"Best {metric}: {row.score.mean:.6f} with {_setting(row)}" for row in searched.ranked[:1]]
    trials = sum(row.score.n for row in searched.rows)
    took = f"It took {duration(sum(row.seconds for row in searched.rows))} of training, in {trials} trials"
    once = f"; the base took {duration(base.cost.seconds)}, once" if base else ""
    return [*best, *(f"{_score(row)} with {_setting(row)}" for row in searched.rows), f"{took}{once}."]


def _score(row: "SettingRow") -> str:
    if row.state != "complete" or row.score.mean is None:
        return row.state
    return f"{row.score.mean:.6f}" + ("" if row.score.sd is None else f" ({row.score.sd:.6f})")


def _setting(row: "SettingRow") -> str:
    shown = {name: f"{value:.4g}" if isinstance(value, float) else str(value) for name, value in row.values.items()}
    return ", ".join(f"{name}={value}" for name, value in shown.items()) or "defaults"
