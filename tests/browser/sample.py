"""A page with every component on it, and answers to press against; only the tests have it."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from audit import clock
from audit.access import signed_in
from config.urls import urlpatterns as real

NAMES = ["Ada Moss", "Ben Okafor", "Chiara Lindqvist-Fernández", "Dev Patel", "Eun-ji Park"]
BANDS = [
    ("very_high", "Very high"),
    ("high", "High"),
    ("watch", "Watch"),
    ("low", "Low"),
    ("unknown", "Not enough data"),
]
pressed: list[str] = []  # what the server was asked to do


@signed_in
def sample(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    rows = [
        {
            "pk": n,
            "name": name,
            "band": band,
            "label": label,
            "score": None if band == "unknown" else 96 - 13 * n,
            "reason": "No visit for 74 days, usual gap 28",
            "values": [4, 3, 4, 2, 3, 2, 2, 1, 1, 0, 1, n],
            "plan": "Glow monthly",
            "renews": date(2026, 12, 1) + timedelta(days=9 * n),
        }
        for n, (name, (band, label)) in enumerate(zip(NAMES, BANDS, strict=True))
    ]
    reasons = [
        SimpleNamespace(text="No visit for 74 days, usual gap 28", raises=True),
        SimpleNamespace(text="2 of 4 facials unused since September", raises=True),
        SimpleNamespace(text="Has booked for 2 December", raises=False),
    ]
    context: dict[str, Any] = {
        "rows": rows,
        "reasons": reasons,
        "now": now,
        "page": Paginator(range(500), 50).page(3),
        "body": "Hi Ada, it has been a while since your last facial at Harbor East. Your next "
        "visit includes a free upgrade to the hydrating mask. Shall we keep Thursday 10:00?\n\n"
        "Reply STOP to opt out.",
    }
    return render(request, "sample.html", context)


@signed_in
def press(request: HttpRequest, what: str) -> HttpResponse:
    pressed.append(what)
    if what == "broken":
        return HttpResponse("broken", status=500)
    if what == "taken":
        return HttpResponse('<p id="said" tabindex="-1" data-focus>Dana was first</p>', status=409)
    answer = HttpResponse(f'<h2 id="said" tabindex="-1" data-focus>Done: {what}</h2>')
    answer.headers["HX-Trigger"] = '{"announce": "Approved. 41 left"}'
    return answer


urlpatterns = [
    *real,
    path("sample/", sample, name="sample"),
    path("sample/<str:what>/", press, name="sample-press"),
]
