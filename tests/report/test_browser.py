"""The report in headless Chromium: it searches, filters, shows markup as text, and asks nobody for anything."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.test_report import SCRIPT, add_hostile_row
from tripletgen.report import write_report

pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'tripletgen[report]'")
webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install 'tripletgen[dev]'")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no Chromium with chromedriver on this machine: `make browser` installs them on Debian, as root"
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory) -> Iterator[Any]:
    """Return a driven browser that keeps its console and network logs."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(built, tmp_path_factory) -> str:
    """Return the address of a report whose data set holds a hostile row."""
    folder = tmp_path_factory.mktemp("browsed")
    shutil.copytree(built, folder / "dataset")
    add_hostile_row(folder / "dataset")
    write_report(folder / "dataset", folder / "report.html")
    return (folder / "report.html").as_uri()


@pytest.fixture
def page(chromium, address) -> Any:
    """Return the browser with the report just opened and empty logs."""
    chromium.get_log("browser"), chromium.get_log("performance")
    chromium.get(address)
    return chromium


def rows(page: Any, kind: str = "triplets") -> list[str]:
    return [row.text for row in page.find_elements("css selector", f".browser[data-rows={kind}] .rows li")]


def status(page: Any, kind: str = "triplets") -> str:
    return page.find_element("css selector", f".browser[data-rows={kind}] [role=status]").text


def type_into(page: Any, text: str, kind: str = "triplets") -> None:
    field = page.find_element("css selector", f".browser[data-rows={kind}] input")
    field.clear()
    field.send_keys(text)


def choose(page: Any, column: str, value: str, kind: str = "triplets") -> None:
    page.find_element("css selector", f".browser[data-rows={kind}] select[data-column={column}] option[value={value}]").click()


def total(page: Any, kind: str = "triplets") -> int:
    return int(status(page, kind).split(" rows")[0].split(" of ")[1].replace(",", ""))


def test_a_page_of_rows_is_shown_with_what_changed_marked(page):
    assert len(rows(page)) == 20
    assert page.find_elements("css selector", ".rows del")
    assert page.find_elements("css selector", ".rows ins")


def test_a_search_finds_the_rows_that_hold_every_word(page):
    everything = total(page)
    type_into(page, "car RED")
    found = rows(page)
    assert 0 < int(status(page).split(" of ")[0]) < everything
    assert all(re.search(r"\bcar", row, re.IGNORECASE) and re.search(r"\bred", row, re.IGNORECASE) for row in found)
    type_into(page, "no such words at all")
    assert rows(page) == []
    assert status(page).startswith("0 of ")


def test_filters_narrow_the_rows_and_add_up_with_the_search(page):
    choose(page, "edit_type", "replace_object")
    assert all("replace_object" in row for row in rows(page))
    number = int(status(page).split(" of ")[0])
    choose(page, "phrasing", "imperative")
    assert int(status(page).split(" of ")[0]) < number
    assert all("replace_object · imperative" in row for row in rows(page))


def test_rejects_can_be_browsed_by_reason(page):
    choose(page, "reason", "too_short", "rejects")
    assert any("Too short" in row for row in rows(page, "rejects"))
    assert all("too_short" in row for row in rows(page, "rejects"))


def test_a_hostile_caption_is_shown_as_text_and_nothing_of_it_runs(page):
    type_into(page, "<script>alert(1)</script> car")
    (row,) = rows(page)
    assert f"a car {SCRIPT}" in row
    assert "<img src=x onerror=alert(2)>" in row
    assert page.find_elements("css selector", ".rows script, .rows img, .rows b") == []
    assert page.execute_script("return document.scripts.length") == 2


def test_the_console_is_empty_and_no_request_leaves_the_page(page, address):
    type_into(page, "dog")
    assert page.get_log("browser") == []
    sent = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = {entry["params"]["request"]["url"] for entry in sent if entry["method"] == "Network.requestWillBeSent"}
    assert {url for url in urls if not url.startswith(("data:", "chrome"))} == {address}


def test_a_script_that_is_not_the_pages_own_may_not_run(page):
    page.execute_script("const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)")
    assert page.execute_script("return window.ran") is None
    assert "Content Security Policy" in page.get_log("browser")[0]["message"]


def test_the_keyboard_reaches_and_turns_everything(page):
    from selenium.webdriver.common.keys import Keys

    body = page.find_element("css selector", "body")
    first = rows(page)
    body.send_keys(Keys.ARROW_RIGHT)
    assert "page 2 of" in status(page)
    assert rows(page) != first
    body.send_keys(Keys.ARROW_LEFT)
    assert rows(page) == first
    body.send_keys("/")
    assert page.switch_to.active_element.tag_name == "input"
    page.switch_to.active_element.send_keys("dog/", Keys.ARROW_RIGHT)
    assert "page 1 of" in status(page)
    page.switch_to.active_element.send_keys(Keys.BACKSPACE * 4)  # a browser without rows has no page to turn to
    reached = set()
    for _ in range(12):
        page.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(page.switch_to.active_element.tag_name)
    assert reached >= {"input", "select", "button"}


def test_a_key_belongs_to_the_browser_that_it_was_pressed_in(page):
    press = """document.querySelector(".browser[data-rows=rejects] .rows li")
      .dispatchEvent(new KeyboardEvent("keydown", {key: arguments[0], bubbles: true}))"""
    page.execute_script(press, "ArrowRight")
    assert "page 1 of" in status(page)
    page.execute_script(press, "/")
    assert page.switch_to.active_element == page.find_element("css selector", ".browser[data-rows=rejects] input")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_in_both_themes(page, scheme):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    for selector in ("body", ".note", "del", "ins", ".rows li", "figcaption", "nav a"):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page: Any, selector: str) -> float:
    """Return the contrast ratio of an element's text, as WCAG 2 defines it."""
    code = """
      let e = document.querySelector(arguments[0]), ink = getComputedStyle(e).color, ground = 'rgba(0, 0, 0, 0)';
      for (; e && ground === 'rgba(0, 0, 0, 0)'; e = e.parentElement) ground = getComputedStyle(e).backgroundColor;
      return [ink, ground].map(c => c.match(/[\\d.]+/g).slice(0, 3).map(Number));
    """
    lights = []
    for colour in page.execute_script(code, selector):
        parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        lights.append(0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def test_nothing_is_wider_than_a_phone(page):
    size = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert page.execute_script("return document.documentElement.scrollWidth") <= 360
    small = page.execute_script(
        "return [...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height).filter(h => h > 0 && h < 9).length"
    )
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert small == 0


def test_the_file_is_all_there_is(address):
    assert Path(address.removeprefix("file://")).stat().st_size < 10_000_000
