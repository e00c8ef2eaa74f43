"""The report from disk, in a browser."""

import html
import json
import re
import shutil
from pathlib import Path

import pytest
from browser_windows import Windows
from playwright.sync_api import Page, expect
from small_study import Place

from tracking.report_writer import write_report

PHONE = 400


def report_of(place: Place) -> str:
    return (place.study / "report" / "report.html").as_uri()


def column(page: Page, table: int, number: int) -> list[str]:
    return page.locator("table.sortable").nth(table).locator(f"tbody tr > :nth-child({number + 1})").all_inner_texts()


def trials(page: Page) -> int:
    """Return which of the sortable tables is that of the trials."""
    return next(
        place
        for place, table in enumerate(page.locator("table.sortable").all())
        if table.locator("xpath=ancestor::section").first.get_attribute("id") == "trials"
    )


def luminance(page: Page, name: str) -> float:
    """Return how light the body's colour of that name is, from 0 to 1."""
    said = page.evaluate(f"getComputedStyle(document.body).{name}")
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", said)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_question_the_answer_and_every_section_are_there(place: Place, windows: Windows) -> None:
    page = windows.open()
    page.goto(report_of(place))
    expect(page.locator("h1")).to_have_text("Does a small network need its dropout?")
    expect(page.locator("#answer")).to_contain_text("dropped")
    for link in page.locator("nav a").all():
        target = link.get_attribute("href")
        assert target is not None
        expect(page.locator(target)).to_be_visible()


def test_a_table_is_sorted_by_a_click_and_the_other_way_by_another(place: Place, windows: Windows) -> None:
    page = windows.open()
    page.goto(report_of(place))
    table = trials(page)
    head = page.locator("table.sortable").nth(table).locator("thead th", has_text="seed").first
    number = head.evaluate("head => head.cellIndex")
    head.click()
    assert column(page, table, number) == sorted(column(page, table, number), key=int)
    head.click()
    assert column(page, table, number) == sorted(column(page, table, number), key=int, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"


def test_a_table_can_be_sorted_with_the_keyboard(place: Place, windows: Windows) -> None:
    page = windows.open()
    page.goto(report_of(place))
    head = page.locator("table.sortable").nth(trials(page)).locator("thead th").first
    head.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"


def test_a_point_tells_its_trial_when_one_points_at_it(place: Place, windows: Windows) -> None:
    page = windows.open()
    page.goto(report_of(place))
    expect(page.locator("#tip")).to_be_hidden()
    page.locator("#points circle.dot").first.hover()
    expect(page.locator("#tip")).to_be_visible()
    expect(page.locator("#tip")).to_contain_text("seed")


def test_a_point_that_is_touched_tells_its_trial_too(place: Place, windows: Windows) -> None:
    page = windows.open(PHONE, has_touch=True)
    page.goto(report_of(place))
    page.locator("#points circle.dot").first.tap()
    expect(page.locator("#tip")).to_contain_text("seed")
    page.touchscreen.tap(5, 5)
    expect(page.locator("#tip")).to_be_hidden()


def test_the_pointer_on_the_curves_tells_the_epoch_and_the_arms_that_came_to_it(
    place: Place, windows: Windows, tmp_path: Path
) -> None:
    """The last arm is cut to one epoch of three: it has nothing to say about the third."""

    def cut(found: re.Match[str]) -> str:
        told = json.loads(html.unescape(found[1]))
        told[-1] |= {"epochs": told[-1]["epochs"][:1], "values": told[-1]["values"][:1]}
        return f'data-curves="{html.escape(json.dumps(told))}"'

    source = (place.study / "report" / "report.html").read_text()
    (tmp_path / "report.html").write_text(re.sub(r'data-curves="([^"]*)"', cut, source))
    page = windows.open()
    page.goto((tmp_path / "report.html").as_uri())
    chart = page.locator("svg.curves").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.95 * box["width"], middle)
    expect(page.locator("#tip")).to_contain_text("epoch 3")
    expect(page.locator("#tip")).to_contain_text("plain: ")
    expect(page.locator("#tip")).not_to_contain_text("dropped")
    page.mouse.move(box["x"] + 0.12 * box["width"], middle)
    expect(page.locator("#tip")).to_contain_text("epoch 1")
    expect(page.locator("#tip")).to_contain_text("dropped: ")


def test_without_scripts_everything_can_be_read(place: Place, windows: Windows) -> None:
    page = windows.open(java_script_enabled=False)
    page.goto(report_of(place))
    expect(page.locator("#answer")).to_contain_text("dropped")
    expect(page.locator("#trials tbody tr").first).to_be_visible()
    expect(page.locator("#points svg").first).to_be_visible()
    fold = page.locator("details").first
    fold.locator("summary").click()
    expect(fold.locator("table").first).to_be_visible()
    for title in page.locator(".mark title").all()[:5]:
        assert title.text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_page_without_scrolling_sideways(place: Place, windows: Windows, scheme: str) -> None:
    page = windows.open(PHONE, color_scheme=scheme)
    page.goto(report_of(place))
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_a_phone_breaks_names_that_are_longer_than_its_lines(place: Place, windows: Windows, tmp_path: Path) -> None:
    source = (place.study / "report" / "report.html").read_text()
    (tmp_path / "report.html").write_text(source.replace("dropped", "dropped_with_a_rather_long_name_of_its_own"))
    page = windows.open(PHONE)
    page.goto((tmp_path / "report.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_the_page_is_dark_where_the_reader_likes_it_dark(place: Place, windows: Windows) -> None:
    page = windows.open(color_scheme="dark")
    page.goto(report_of(place))
    assert luminance(page, "backgroundColor") < 0.1
    assert luminance(page, "color") > 0.8


def test_paper_shows_what_is_folded_away(place: Place, windows: Windows) -> None:
    page = windows.open()
    page.goto(report_of(place))
    page.emulate_media(media="print")
    expect(page.locator("details:not(.aside) table").first).to_be_visible()
    expect(page.locator("nav")).to_be_hidden()
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.fixture
def running(place: Place, tmp_path: Path) -> Path:
    """Return the folder of the study as it was before its last trial."""
    folder = tmp_path / "runs" / "small"
    shutil.copytree(place.study, folder)
    shutil.copytree(place.study.parent / "data", tmp_path / "runs" / "data")
    shutil.rmtree(max(folder.glob("trials/[!.]*")))
    write_report(folder, running=True)
    return folder


def test_the_page_of_a_running_study_loads_itself_again_where_the_reader_was(running: Path, windows: Windows) -> None:
    page = windows.open()
    page.clock.install()
    page.goto((running / "report" / "report.html").as_uri())
    expect(page.locator(".banner")).to_contain_text("Running: 5 of 6 trials done.")
    head = page.locator("table.sortable").nth(trials(page)).locator("thead th").first
    head.click()
    page.locator("summary").first.click()
    page.evaluate("scrollTo(0, 1200)")
    page.evaluate("window.before = true")
    page.clock.run_for(29_000)
    assert page.evaluate("window.before")
    with page.expect_event("load"):
        page.clock.run_for(2_000)
    assert not page.evaluate("window.before")
    expect(page.locator("details").first).to_have_attribute("open", "")
    expect(page.locator("table.sortable").nth(trials(page)).locator("thead th").first).to_have_attribute(
        "aria-sort", "ascending"
    )
    assert abs(page.evaluate("scrollY") - 1200) < 5


def test_the_page_is_not_loaded_under_the_hands_of_its_reader(running: Path, windows: Windows) -> None:
    page = windows.open()
    page.clock.install()
    page.goto((running / "report" / "report.html").as_uri())
    page.evaluate("window.before = true")
    page.clock.run_for(28_000)
    for place in range(5):
        page.mouse.move(100 + place, 100)
        page.clock.run_for(3_000)
    assert page.evaluate("window.before")


def test_the_last_page_of_a_study_stands_still(running: Path, windows: Windows) -> None:
    write_report(running, running=False)
    page = windows.open()
    page.clock.install()
    page.goto((running / "report" / "report.html").as_uri())
    expect(page.locator(".banner")).to_contain_text("Interim: 5 of 6 trials done.")
    page.evaluate("window.before = true")
    page.clock.run_for(120_000)
    assert page.evaluate("window.before")
