"""`make screenshots`: the pictures of README and docs, taken from the running demo.

Needs the environment of the tests and Chromium, and a demo that is ready.
"""

from __future__ import annotations

import os
import sys

from playwright.sync_api import Page, sync_playwright

from config.local.demo import SIGN_IN_PASSWORD
from config.local.home import ROOT, Home
from config.local.suite import CHROMIUM_FLAGS, CHROMIUM_MISSING, find_chromium

FOLDER = ROOT / "docs" / "img"
# file name, who looks, where
PICTURES = (
    ("review", "regional", "/review/"),
    ("calls", "desk", "/calls/"),
    ("overview", "regional", "/overview/"),
)


def main() -> int:
    address = Home.default().read_environment().get("PUBLIC_URL")
    chromium = find_chromium()
    if not address or not chromium:
        print("Start the demo first: `make demo`." if not address else CHROMIUM_MISSING)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        for name, person, path in PICTURES:
            page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
            sign_in(page, address, person)
            page.goto(f"{address}{path}", wait_until="networkidle")
            page.screenshot(path=FOLDER / f"{name}.png")
            print(f"docs/img/{name}.png: {path} as {person}")
            page.close()
        browser.close()
    return 0


def sign_in(page: Page, address: str, person: str) -> None:
    page.goto(f"{address}/sign-in/")
    page.fill("input[name=username]", person)
    page.fill("input[name=password]", os.environ.get("DEMO_PASSWORD", SIGN_IN_PASSWORD))
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)


if __name__ == "__main__":
    sys.exit(main())
