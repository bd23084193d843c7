"""A person who approves everything through the pages while the web server dies under them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

import requests

GROUP = 25
PATIENCE_S = 0.3
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Approver(threading.Thread):
    """Signs in and approves what is open, group by group, again and again until nothing is left.

    An answer that was lost leaves a group undecided or decided, and the next look at the open
    drafts tells which: `open_drafts` gives (id, version). `tries` counts posts, `broken` those
    without an answer.
    """

    def __init__(
        self, *, address: str, name: str, password: str,
        open_drafts: Callable[[], list[tuple[int, int]]],
    ) -> None:  # fmt: skip
        super().__init__(daemon=True)
        self.address, self.person, self.password = address, name, password
        self.open_drafts = open_drafts
        self.tries = self.broken = 0
        self.session = requests.Session()
        self.is_done = False

    def run(self) -> None:
        while picks := self.open_drafts():
            for start in range(0, len(picks), GROUP):
                self._approve(picks[start : start + GROUP])
        self.is_done = True

    def _approve(self, picks: list[tuple[int, int]]) -> None:
        self.tries += 1
        try:
            if "csrf" not in self.session.cookies:
                self._sign_in()
            answer = self.session.post(
                f"{self.address}/review/together/",
                data={
                    "pick": [f"{pk}:{version}" for pk, version in picks],
                    "csrfmiddlewaretoken": self.session.cookies["csrf"],
                },
                allow_redirects=False,
                timeout=60,
            )
        except requests.RequestException:
            self.broken += 1
            time.sleep(PATIENCE_S)
            return
        if answer.status_code != 302 or "sign-in" in answer.headers["Location"]:
            self.session.cookies.clear()
            time.sleep(PATIENCE_S)

    def _sign_in(self) -> None:
        page = self.session.get(f"{self.address}/sign-in/", timeout=60)
        token = _TOKEN.search(page.text)
        self.session.post(
            f"{self.address}/sign-in/",
            data={
                "username": self.person,
                "password": self.password,
                "csrfmiddlewaretoken": token.group(1) if token else "",
            },
            allow_redirects=False,
            timeout=60,
        )
