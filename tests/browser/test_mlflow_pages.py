"""The study in MLflow's own pages, as one who looks for it there finds it."""

from browser_windows import Windows
from mlflow import MlflowClient
from playwright.sync_api import Page, expect
from small_study import Place

QUESTION = "Does a small network need its dropout?"
WIDTH = 1500
PANEL_SEEN = (
    "if (location.protocol === 'http:') localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
)
"""Says that MLflow's side panel, which covers a third of its pages, has been seen and closed."""
MEASURED = ("train_accuracy", "train_loss", "test_accuracy", "test_loss")


def runs_page(place: Place, server: str) -> str:
    """Return the address of the study's runs; without the last part MLflow shows its pages for language models."""
    client = MlflowClient(f"sqlite:///{place.folder / 'runs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    return f"{server}/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning"


def parent_page(place: Place, server: str, windows: Windows) -> Page:
    """Open the study's own run, by a click in the list of runs."""
    page = windows.open(WIDTH, scripts=[PANEL_SEEN])
    page.goto(runs_page(place, server))
    page.locator(".ag-row").get_by_role("link", name="small", exact=True).click()
    expect(page.get_by_text("About this run")).to_be_visible()
    return page


def test_the_study_is_in_the_list_of_runs_and_its_trials_below_it(place: Place, server: str, windows: Windows) -> None:
    page = windows.open(WIDTH, scripts=[PANEL_SEEN])
    page.goto(runs_page(place, server))
    page.locator(".ag-row").get_by_role("link", name="small", exact=True).wait_for()
    page.locator(".ag-row button").first.click()
    for arm in ("plain", "dropped"):
        for seed in (1, 2, 3):
            expect(page.get_by_text(f"{arm} seed {seed}", exact=True).first).to_be_visible()


def test_the_description_of_the_run_is_the_report(place: Place, server: str, windows: Windows) -> None:
    page = parent_page(place, server, windows)
    expect(page.get_by_role("heading", name=QUESTION)).to_be_visible()
    answer = (place.study / "report" / "report.md").read_text().split("## Means")[0].splitlines()[-2]
    expect(page.get_by_text(answer)).to_be_visible()


def test_a_trial_is_reached_from_the_study_and_shows_its_curves(place: Place, server: str, windows: Windows) -> None:
    page = parent_page(place, server, windows)
    page.get_by_role("link", name="plain seed 2", exact=True).click()
    page.get_by_role("tab", name="Model metrics").click()
    for metric in MEASURED:
        expect(page.get_by_text(f"plain seed 2 (history/{metric})")).to_be_visible()
    lines = page.locator(".scatterlayer path.js-line")
    expect(lines.nth(len(MEASURED) - 1)).to_be_visible()


def test_the_report_opens_among_the_artifacts_and_works_there(place: Place, server: str, windows: Windows) -> None:
    page = parent_page(place, server, windows)
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("report", exact=True).click()
    page.get_by_text("report.html", exact=True).click()
    frame = page.frame_locator("iframe").last
    expect(frame.locator("h1")).to_have_text(QUESTION)
    expect(frame.locator("#comparisons svg.forest:visible")).to_have_count(1)
    head = frame.locator("table.sortable thead th").first
    head.click()
    expect(head).to_have_attribute("aria-sort", "ascending")
