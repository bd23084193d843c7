"""Small marks every page uses: times in the location's zone, money in its currency, sparklines.

Loaded into every template (settings.TEMPLATES); docs/components.md shows them in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

from memberships.money import about_in_words, in_words

register = template.Library()

WIDTH, HEIGHT = 80, 20  # of a sparkline, in pixels
# Of a band, and whether it is filled: no two look alike without their colours.
SHAPES = {
    "low": ("circle", False),
    "watch": ("contrast", False),
    "high": ("triangle", True),
    "very_high": ("diamond", True),
}


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: int = 18, *, fill: bool = False) -> str:
    """An icon of the lucide set, hidden from screen readers: the word beside it says the same."""
    more = {"fill": "currentColor"} if fill else {}
    return lucide(str(name), size=size, aria_hidden="true", focusable="false", **more)


@register.filter
def money(cents: int | None, currency: str = "USD") -> str:
    """Whole cents as money: 8900 -> $89, 8950 -> $89.50. None is a dash."""
    return "–" if cents is None else in_words(cents, currency)


@register.filter
def about_money(cents: int | None, currency: str = "USD") -> str:
    """A sum of many people's amounts to whole units: 517533 -> $5,175. None is a dash."""
    return "–" if cents is None else about_in_words(cents, currency)


@register.filter
def percent(share: float) -> int:
    """A share of 0 to 1 in whole hundredths: 0.85 -> 85."""
    return round(100 * share)


@register.filter
def phone(number: str, country: str = "US") -> str:
    """An E.164 number as people of `country` write it; a foreign one with its country code."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    is_home = phonenumbers.region_code_for_number(parsed) in (country, None)
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, style.NATIONAL if is_home else style.INTERNATIONAL)


@register.filter
def local(at: datetime | None, place: Any = None) -> str:
    """An instant as staff read it: "Tue 4 Nov, 14:30", in the zone of `place` (a location, a
    ZoneInfo or a zone's name); without one, in the reader's. Another zone than the reader's is
    named."""
    if at is None:
        return ""
    reader = timezone.get_current_timezone()
    zone = _zone(place) or reader
    there = at.astimezone(zone)
    text = f"{_day(there)}, {there:%H:%M}"
    return text if there.utcoffset() == at.astimezone(reader).utcoffset() else f"{text} {there:%Z}"


@register.filter
def clock(at: datetime | None, place: Any = None) -> str:
    """The time of day alone, "14:30", in the same zones as `local`."""
    if at is None:
        return ""
    return f"{at.astimezone(_zone(place) or timezone.get_current_timezone()):%H:%M}"


@register.filter
def day(on: date | datetime | None) -> str:
    """A date as staff read it: "Tue 4 Nov", with the year when it is not this one."""
    return "" if on is None else _day(on)


def _day(on: date | datetime) -> str:
    is_this_year = on.year == timezone.localdate().year
    return _day_in_words(on.year, on.month, on.day, is_this_year, get_language())


@lru_cache(maxsize=4096)  # a page of 50 rows shows the same days many times
def _day_in_words(year: int, month: int, day: int, is_this_year: bool, language: str) -> str:
    return date_format(date(year, month, day), "D j M" if is_this_year else "D j M Y")


def _zone(place: Any) -> ZoneInfo | None:
    if isinstance(place, str):
        return ZoneInfo(place) if place else None
    zone = getattr(place, "zone", place)
    return zone if isinstance(zone, ZoneInfo) else None


@register.simple_tag
def sparkline(values: Sequence[float], label: str = "", top: float | None = None) -> str:
    """A line of a dozen values, oldest first. `top` is the value at the upper edge: give the same
    one to every row of a table, so that the lines can be compared. Written here and not in a
    template: a page has fifty."""
    numbers = [float(value or 0) for value in values]
    if not numbers:
        return ""
    highest = max(float(top or 0), *numbers) or 1
    step = WIDTH / max(len(numbers) - 1, 1)
    points = [
        (round(index * step, 1), round(HEIGHT - 2 - value / highest * (HEIGHT - 4), 1))
        for index, value in enumerate(numbers)
    ]
    text = ", ".join(f"{value:g}" for value in numbers)
    return format_html(
        '<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" aria-label="{label}"><line x1="0" y1="18.5" x2="{width}" y2="18.5"/>'
        '<polyline points="{points}"/><circle cx="{last_x}" cy="{last_y}" r="2"/></svg>',
        width=WIDTH,
        height=HEIGHT,
        label=label or _("Last %(count)d: %(values)s") % {"count": len(numbers), "values": text},
        points=" ".join(f"{x},{y}" for x, y in points),
        last_x=points[-1][0],
        last_y=points[-1][1],
    )


@register.simple_tag
def risk_badge(band: str, label: Any, score: int | None = None) -> str:
    """Shape, word and, for those who may see it, the number of a band: low, watch, high, very_high,
    unknown."""
    return _risk_badge(str(band), str(label), score)


@lru_cache(maxsize=2048)  # few bands and a hundred scores, fifty to a page
def _risk_badge(band: str, label: str, score: int | None) -> str:
    name, is_full = SHAPES.get(band, ("minus", False))
    number = "" if score is None else f" {score}"
    return format_html(
        '<span class="badge band-{}">{}{}{}</span>',
        band,
        icon(name, 13, fill=is_full),
        label,
        number,
    )


@register.simple_tag
def url_if(name: str, *args: Any) -> str:
    """The address of a page, or nothing when this deployment has no such page."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
