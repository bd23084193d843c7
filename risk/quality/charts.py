"""Charts with axes, drawn on the server as SVG without style or script. The library keeps its
colours in one module, so each chart is drawn with them set and put back (docs/adr/0009)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import leather
from django.utils.translation import gettext as _
from leather import theme

WIDTH, HEIGHT = 560, 380
FONT = "system-ui, sans-serif"
# The tokens of static/css/tenure.css: background, text, lines, chart main and past.
COLOURS = {
    "light": {"bg": "#FFFFFF", "text": "#4B5563", "line": "#D5DAE1", "main": "#0B57B0",
              "past": "#8A94A3"},
    "dark": {"bg": "#14181D", "text": "#AEB7C2", "line": "#333B45", "main": "#8DB9F5",
             "past": "#8994A3"},
}  # fmt: skip
_drawing = threading.Lock()

Points = tuple[tuple[float, float], ...]


@contextmanager
def _theme(scheme: str) -> Iterator[dict[str, str]]:
    colours = COLOURS[scheme]
    chosen = {
        "background_color": colours["bg"],
        "tick_color": colours["line"],
        "zero_color": colours["past"],
        "tick_font_size": 13,
        "legend_font_size": 13,
        "axis_title_font_size": 13,
    }
    for name in ("title", "legend", "axis_title", "tick"):
        chosen[f"{name}_font_family"] = FONT
    for name in ("title_color", "legend_color", "axis_title_color", "label_color"):
        chosen[name] = colours["text"]
    with _drawing:
        kept = {name: getattr(theme, name) for name in chosen}
        for name, value in chosen.items():
            setattr(theme, name, value)
        try:
            yield colours
        finally:
            for name, value in kept.items():
                setattr(theme, name, value)


@lru_cache(maxsize=64)
def calibration(points: Points, scheme: str) -> str:
    """What was said against what came true, in percent, beside the line on which both agree."""
    top = max(0.05, *(max(point) for point in points)) if points else 1.0
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25) if top / s <= 6 or s == 0.25)
    ticks = [round(step * n, 4) for n in range(int(top / step) + 2)]
    return _draw(
        scheme,
        points,
        line=((0.0, 0.0), (ticks[-1], ticks[-1])),
        ticks=ticks,
        names=(_("came true"), _("as said")),
        axes=(_("said"), _("came true")),
        dots=True,
    )


@lru_cache(maxsize=64)
def gains(points: Points, scheme: str) -> str:
    """How much of all that came true is among those rated highest, beside choosing by lot."""
    return _draw(
        scheme,
        points,
        line=((0.0, 0.0), (1.0, 1.0)),
        ticks=[0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
        names=(_("by score"), _("by lot")),
        axes=(_("share looked at, highest first"), _("share found")),
        dots=False,
    )


def _draw(
    scheme: str,
    points: Points,
    *,
    line: Points,
    ticks: Sequence[float],
    names: tuple[str, str],
    axes: tuple[str, str],
    dots: bool,
) -> str:
    def percent(value: float, _index: int, _count: int) -> str:
        return f"{round(100 * value)} %"

    with _theme(scheme) as colours:
        chart = leather.Chart()
        chart.add_x_scale(0, ticks[-1])
        chart.add_y_scale(0, ticks[-1])
        chart.add_x_axis(ticks=ticks, tick_formatter=percent, name=axes[0])
        chart.add_y_axis(ticks=ticks, tick_formatter=percent, name=axes[1])
        chart.add_line(line, name=names[1], stroke_color=colours["past"], width=1.5)
        if points and dots:
            chart.add_dots(points, name=names[0], fill_color=colours["main"], radius=5)
        elif points:
            chart.add_line(points, name=names[0], stroke_color=colours["main"], width=2)
        return str(chart.to_svg(width=WIDTH, height=HEIGHT))
