"""A search's pages: the report of a confirmed one, and what there is before anything is confirmed."""

import re
from pathlib import Path

import pytest
from searched_study import SCORES, write_search_study

from tracking.report import main
from tracking.report_writer import NotConfirmedError, write_report
from tracking.searched import Pruned, write_pruned

PICTURES = {"search_history.png", "search_importances.png", "search_slices.png", "search_parallel.png"}
CONFIRMED = (0.90, 0.91, 0.89)


def test_the_report_of_a_search_shows_space_settings_and_what_became_of_the_scores(tmp_path: Path) -> None:
    files = write_report(write_search_study(tmp_path, confirmed=CONFIRMED).folder)
    html, text = files.html.read_text(), files.report.read_text()
    for page in (html, text):
        for said in (
            "The search",
            "What is varied",
            "What became of the scores that were chosen",
            "Sampler tpe, seed 0, pruner median",
            "10 settings have a score, 2 pruned",
            "placement is after",
        ):
            assert said in page.replace("\\_", "_")
    assert '<a href="#search">Search</a>' in html
    assert {path.name for path in files.folder.glob("search_*.png")} == PICTURES
    assert set(re.findall(r"\]\((search_\w+\.png)\)", text)) == PICTURES
    assert "search.md" in text


def test_every_setting_can_be_pointed_at_and_pruned_ones_are_shown_as_pruned(tmp_path: Path) -> None:
    html = write_report(write_search_study(tmp_path, confirmed=CONFIRMED).folder).html.read_text()
    for number, score in enumerate(SCORES, start=1):
        said = "pruned" if score is None else f"{100 * score:.2f}%"
        assert f"<title>setting-{number:04d}: {said}, placement=" in html


def test_the_best_setting_leads_the_ranking_and_its_change_on_fresh_seeds_is_shown(tmp_path: Path) -> None:
    text = write_report(write_search_study(tmp_path, confirmed=CONFIRMED).folder).report.read_text()
    ranking = text[text.index("### Settings by validation accuracy") :]
    first = next(line for line in ranking.splitlines() if line.startswith("| setting-"))
    assert first.split("|")[1].strip() == "setting-0012"
    became = text[text.index("### What became of the scores") :]
    shrunk = next(line for line in became.splitlines() if line.startswith("| setting-0012"))
    assert [cell.strip() for cell in shrunk.split("|")[2:5]] == ["92.00", "90.00", "-2.00"]


def test_a_search_that_is_not_confirmed_has_a_page_that_says_so(tmp_path: Path) -> None:
    store = write_search_study(tmp_path)
    with pytest.raises(NotConfirmedError, match="10 settings have a score, 2 pruned"):
        write_report(store.folder)
    report = store.folder / "report"
    assert {path.name for path in report.iterdir()} == {"report.html", "search.md", *PICTURES}
    html = (report / "report.html").read_text()
    assert "Not confirmed yet" in html
    assert "Not confirmed yet" in (report / "search.md").read_text()
    assert html.count("<section") == 2
    assert "What became of" not in html


def test_the_command_prints_where_the_page_of_an_unconfirmed_search_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = write_search_study(tmp_path)
    assert main([f"study={store.folder.name}", f"runs_dir={tmp_path}"]) == 0
    output = capsys.readouterr()
    assert str(store.folder / "report" / "report.html") in output.out
    assert output.err == ""


def test_a_search_without_a_score_has_a_page_without_pictures_that_says_why(tmp_path: Path) -> None:
    store = write_search_study(tmp_path, scores=(None, None))
    with pytest.raises(NotConfirmedError, match="0 settings have a score, 2 pruned"):
        write_report(store.folder)
    assert not list(store.folder.glob("report/*.png"))
    html = (store.folder / "report" / "report.html").read_text()
    assert "Optimisation history: left out, since no setting has a score yet." in html


def test_a_picture_that_can_no_longer_be_drawn_goes_away(tmp_path: Path) -> None:
    store = write_search_study(tmp_path, scores=(0.8, 0.9))
    with pytest.raises(NotConfirmedError):
        write_report(store.folder)
    assert (store.folder / "report" / "search_history.png").exists()
    for number in (1, 2):
        arm = f"setting-{number:04d}"
        write_pruned(store.folder, Pruned(arm=arm, key=f"{arm}-1", step=1, score=0.1, reason="hopeless"))
    with pytest.raises(NotConfirmedError):
        write_report(store.folder)
    assert not list(store.folder.glob("report/*.png"))


@pytest.mark.parametrize("confirmed", [(), CONFIRMED], ids=["choosing", "confirmed"])
def test_a_page_fetches_nothing_and_has_no_style_or_handler_in_its_marks(
    tmp_path: Path, confirmed: tuple[float, ...]
) -> None:
    store = write_search_study(tmp_path, confirmed=confirmed)
    try:
        write_report(store.folder)
    except NotConfirmedError:
        assert not confirmed
    html = (store.folder / "report" / "report.html").read_text()
    assert not re.search(r"https?:|@import|url\(| style=| on\w+=", html)
    assert not re.search(r"\b(nan|inf)\b", html, re.IGNORECASE)
