"""Cases of the experiments the plays run: who was drawn into which arm, and how it ended.

The draws belong to a higher app. It lends them as a database view named `risk_experiment_case`, a
row per guest and play: guest_id, play, treated (false: held back), drawn_on, outcome_known_on and
outcome (true: what the play is for). Without the view, or with it empty, there is nothing to learn
from, which is an answer and no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.db import connection

from risk.engine.additive import Floats
from risk.features import churn
from risk.frame import read
from risk.models import Target
from risk.targets import DECLARATIONS

VIEW = "risk_experiment_case"
# Inputs are read as of the Monday before the draw: at most so many statements, however many guests.
MOST_WEEKS = 52
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Experiment:
    """One play's guests with their members' inputs from before the draw; `categories` names the
    inputs that hold codes."""

    columns: dict[str, Floats]
    categories: tuple[str, ...]
    treated: Floats
    outcome: Floats


def plays() -> list[str]:
    """Plays with at least one case."""
    if not _is_lent():
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT play FROM {VIEW} ORDER BY play")  # noqa: S608
        return [play for (play,) in cursor.fetchall()]


def cases(play: str, *, as_of_on: date) -> Experiment:
    """The play's cases of the last year whose outcome was known before the day `as_of_on`. A guest
    whose membership did not yet bind on the Monday before the draw has unknown inputs."""
    declared = DECLARATIONS[Target.CHURN].learned
    categories = tuple(one.name for one in declared if one.kind == "category")
    drawn = {name: np.zeros(0) for name in ("guest_id", "treated", "drawn", "outcome")}
    if _is_lent():
        drawn = read(
            f"""SELECT guest_id::float8, treated::int::float8, (drawn_on - %(epoch)s)::float8,
                outcome::int::float8
            FROM {VIEW} WHERE play = %(play)s AND outcome_known_on < %(as_of)s
            AND drawn_on >= %(since)s ORDER BY guest_id""",  # noqa: S608
            list(drawn),
            {
                "epoch": EPOCH,
                "play": play,
                "as_of": as_of_on,
                "since": as_of_on - timedelta(weeks=MOST_WEEKS),
            },
        )
    return Experiment(
        columns=_inputs(drawn["guest_id"].astype(np.int64), drawn["drawn"]),
        categories=categories,
        treated=drawn["treated"],
        outcome=drawn["outcome"],
    )


def _inputs(guest: np.ndarray, drawn: Floats) -> dict[str, Floats]:
    """The learned inputs of each guest's newest membership, NaN for those without one."""
    names = [one.name for one in DECLARATIONS[Target.CHURN].learned]
    columns = {name: np.full(len(guest), np.nan) for name in names}
    monday = drawn - (drawn + 3) % 7  # day 0 was a Thursday
    for day in np.unique(monday):
        frame = churn.members(as_of_on=EPOCH + timedelta(days=int(day)))
        newest = np.lexsort((frame.ids["membership_id"], frame.ids["guest_id"]))
        members = frame.ids["guest_id"][newest]
        here = np.flatnonzero(monday == day)
        place = np.searchsorted(members, guest[here], side="right") - 1
        known = (place >= 0) & (members[np.maximum(place, 0)] == guest[here])
        for name in names:
            columns[name][here[known]] = frame.columns[name][newest[place[known]]]
    return columns


def _is_lent() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [VIEW])
        return bool(cursor.fetchone()[0])
