"""What is said about a search, the same on every page."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tracking.search_views import MOST_AXES, MOST_SETTINGS, MOST_SLICES, View

if TYPE_CHECKING:
    from tracking.search_views import SearchViews
    from tracking.searched import Searched

SHRINKAGE = (
    "On fresh seeds the same score says how much of the search's was luck in choosing. The test score differs for one"
    " more reason: it is another sample."
)
UNCONFIRMED = (
    "Not confirmed yet: these scores chose the settings, and the best of many is partly lucky. What they are worth, the"
    " confirmation on fresh seeds and the test set will say."
)


def method(searched: "Searched") -> str:
    """Return how settings were proposed and judged."""
    search = searched.study.search
    assert search is not None
    data = searched.study.data.validation
    folds = data.folds if data is not None else None
    trials = [f"{search.replicates} seed{'s' * (search.replicates > 1)}", f"{folds} folds" if folds else ""]
    return (
        f"Sampler {search.sampler}, seed {search.seed}, pruner {search.pruner}; each setting is trained with "
        f"{' in '.join(part for part in trials if part)}. Settings are chosen by their "
        f"{searched.objective.replace('_', ' ')}; the test set takes no part in it."
    )


def captions(views: "SearchViews") -> Mapping[View, str]:
    """Return what there is to know to read each view."""
    count, scored = len(views.searched.rows), len(views.searched.ranked)
    lost = " Crosses on the lower edge were pruned or failed." if views.unscored else ""
    some = f" {MOST_SETTINGS} of {count:,} settings are drawn, the best among them." if count > MOST_SETTINGS else ""
    leading = "Orange: the best tenth." if scored >= 10 else "Orange: the best."
    rest = len(views.space) - MOST_SLICES
    fewer = f" The {rest} parameters that decide least are left out." if rest > 0 else ""
    through = f" The {MOST_AXES} parameters that decide most." if len(views.space) > MOST_AXES else ""
    return {
        "history": f"The stair is the best score so far. {leading}{lost}{some}",
        "importances": (
            "Which parameters tell the best tenth of the settings from the others, by PED-ANOVA (Optuna). "
            f"Computed from {scored:,} settings: rough below some tens, and about this space only."
        ),
        "slices": f"{leading} Settings with the same choice stand side by side.{lost}{some}{fewer}",
        "parallel": (
            f"Each line is a setting, and ends at its score. {leading} Dashed: pruned or failed. A line passes below "
            f"an axis whose parameter the setting does not have.{through}{some}"
        ),
    }
