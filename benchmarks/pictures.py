"""Take the pictures of the README: the report of the embedded captions' data set in headless Chromium, in light, dark and on a phone.

Usage: python benchmarks/pictures.py DATASET [--out docs/images]
"""

import argparse
import base64
import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from selenium import webdriver

from tripletgen.report import write_report


class Picture(NamedTuple):
    """A file, the heading it begins with, what is searched for, the scheme of colors, the size in CSS pixels, and the dots of each."""

    name: str
    heading: str
    search: str
    scheme: str
    width: int
    height: int
    scale: int = 1


PICTURES = (
    Picture("report-light.png", "Plots", "", "light", 1160, 1000),
    Picture("report-dark.png", "Triplets", "dog", "dark", 1160, 860),
    Picture("report-phone.png", "Triplets", "red", "light", 390, 844, 2),
)


def take(browser: Any, address: str, picture: Picture) -> bytes:
    """Return a picture of the report as PNG."""
    size = {"width": picture.width, "height": picture.height, "deviceScaleFactor": picture.scale, "mobile": picture.scale > 1}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": picture.scheme}]})
    browser.get(address)
    if picture.search:
        browser.find_element("css selector", ".browser[data-rows=triplets] input").send_keys(picture.search)
    heading = browser.find_element("xpath", f"//h2[normalize-space()='{picture.heading}']")
    browser.execute_script("arguments[0].scrollIntoView()", heading)
    return base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"])


def shrink(png: bytes) -> Image.Image:
    """Return a picture in 128 colors, half as many bytes, which nobody sees."""
    return Image.open(BytesIO(png)).convert("RGB").quantize(128)


def main() -> None:
    """Write the report and take its pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    given = parser.parse_args()
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        sys.exit("error: no Chromium with chromedriver here: `make browser` installs them on Debian, as root")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.html"
        write_report(given.dataset, report)
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/chromium"):
            options.add_argument(argument)
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            for picture in PICTURES:
                shrink(take(browser, report.as_uri(), picture)).save(given.out / picture.name, optimize=True)
        finally:
            browser.quit()


if __name__ == "__main__":
    main()
