"""What every browser test has: Chromium of the machine, a live server, quick sign-in, axe.

Run apart from the others (`make test-browser`): Playwright's event loop lives in the main thread,
so Django must be told that we know what we do. Chromium is named by CHROMIUM or found on the path.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from staff.models import User

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

SignIn = Callable[..., "Page"]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    return {**browser_type_launch_args, "executable_path": path, "args": ARGUMENTS}


@pytest.fixture
def sign_in(browser: Browser, live_server: Any) -> Iterator[SignIn]:
    """`sign_in(person, width=390, dark=True)` gives a page of somebody who is signed in. At the
    end nothing may have been reported to the browser's console."""
    open_contexts = []
    problems: list[str] = []

    def enter(
        person: User | None = None, *, width: int = 1280, dark: bool = False, **options: Any
    ) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            has_touch=width < 600,
            **options,
        )
        open_contexts.append(context)
        if person is not None:
            client = Client()
            client.force_login(person)
            context.add_cookies(
                [
                    {"name": name, "value": item.value, "url": live_server.url}
                    for name, item in client.cookies.items()
                ]
            )
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: problems.append(message.text) if message.type == "error" else None,
        )
        page.problems = problems  # type: ignore[attr-defined]
        return page

    yield enter
    for context in open_contexts:
        context.close()
    assert problems == []


@pytest.fixture
def accessible(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`accessible(page)` fails when axe finds anything on the page as it stands, or when the page
    scrolls sideways; `accessible(page, everywhere=True)` looks at it wide and narrow, light and
    dark. With SCREENSHOTS=folder what it sees is also kept as pictures."""
    axe = Axe()
    folder = os.environ.get("SCREENSHOTS")
    seen = 0

    def look(page: Page) -> None:
        nonlocal seen
        seen += 1
        if folder:
            name = re.sub(r"[^\w-]+", "-", request.node.name).strip("-")
            page.screenshot(path=f"{folder}/{name}-{seen}.png", full_page=True)
        found = axe.run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    def check(page: Page, *, everywhere: bool = False) -> None:
        if not everywhere:
            return look(page)
        for width in (1280, 390, 320):
            page.set_viewport_size({"width": width, "height": 900})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                look(page)
        return None

    return check
