"""What ends a sequence early, read from the data as it stands in the very statement that asks.

The one list serves the runs that are due, the sweep of a location and the claim of a message, so a
booking made a second before the sending holds the message. SQL over `r` (run), `g` (guest),
`p` (play) and `l` (location); instants after `r.started_at` count, and dates from its local day.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from memberships.models import Appointment, Membership
from outreach.models import Leave


def _among(values: Sequence[str]) -> str:
    """Our own constants as an SQL list."""
    return ", ".join(f"'{value}'" for value in values)


_STANDING = _among([*Appointment.COMING, Appointment.Status.CHECKED_IN])
_HERE = _among([Appointment.Status.CHECKED_IN, Appointment.Status.COMPLETED])
_RUNNING = _among(Membership.RUNNING)
_STARTED_ON = "(r.started_at AT TIME ZONE l.time_zone)::date"
_APPOINTMENT = """EXISTS (SELECT 1 FROM memberships_appointment a
    WHERE a.guest_id = r.guest_id AND a.vanished_at IS NULL AND {})"""
_CONTRACT = "EXISTS (SELECT 1 FROM memberships_membership b WHERE {})"

# Always: nobody is written to after an answer, a stop, or once the platform has let them go.
ALWAYS = {
    Leave.GONE: "(g.vanished_at IS NOT NULL OR g.merged_into_id IS NOT NULL)",
    Leave.OPT_OUT: """EXISTS (SELECT 1 FROM outreach_suppression s
        WHERE s.lifted_at IS NULL AND s.added_at >= r.started_at AND s.address <> ''
          AND (s.channel = 'sms' AND s.address = g.phone
               OR s.channel = 'email' AND s.address = g.email))""",
    Leave.REPLIED: """EXISTS (SELECT 1 FROM outreach_reply y
        WHERE y.guest_id = r.guest_id AND y.received_at > r.started_at
          AND y.intent <> 'auto')""",
}
# Where the play says so (`Play.leaves_on`).
BY_PLAY = {
    Leave.BOOKED: _APPOINTMENT.format(f"a.booked_at > r.started_at AND a.status IN ({_STANDING})"),
    Leave.CAME: _APPOINTMENT.format(f"a.ends_at > r.started_at AND a.status IN ({_HERE})"),
    # A charge has a date only: one of the same day counts, which errs towards silence.
    Leave.PAID: f"""EXISTS (SELECT 1 FROM memberships_charge c
        WHERE c.guest_id = r.guest_id AND c.status = 'paid'
          AND c.charged_on >= {_STARTED_ON})""",  # noqa: S608 - constants of ours
    # Good for longer than the card the run began with (kept in its evidence).
    Leave.CARD: _CONTRACT.format(
        "b.id = r.membership_id AND b.card_expires_on > (r.evidence ->> 'card_until_on')::date"
    ),
    Leave.ENDED: _CONTRACT.format(f"b.id = r.membership_id AND b.status NOT IN ({_RUNNING})"),
    Leave.NOTICE: _CONTRACT.format("b.id = r.membership_id AND b.cancel_requested_on IS NOT NULL"),
    Leave.RENEWED: _CONTRACT.format(
        f"""b.guest_id = r.guest_id AND b.status IN ({_RUNNING}) AND (
            (b.id IS DISTINCT FROM r.membership_id AND b.started_on >= {_STARTED_ON})
            OR (b.id = r.membership_id AND (b.ends_on > r.ended_before_on
                OR r.evidence ->> 'ended_on' <> '')))"""
    ),
}
_CASES = [f"WHEN {sql} THEN '{why}'" for why, sql in ALWAYS.items()] + [
    f"WHEN '{why}' = ANY(p.leaves_on) AND {sql} THEN '{why}'" for why, sql in BY_PLAY.items()
]
WHY_SQL = f"CASE {' '.join(_CASES)} END"

_FROM = """
    FROM outreach_run r
    JOIN memberships_guest g ON g.id = r.guest_id
    JOIN memberships_location l ON l.id = r.location_id
    JOIN outreach_play p ON p.key = r.play_id
    WHERE r.state IN ('running', 'paused')
"""
_SQL = f"SELECT id, why FROM (SELECT r.id, {WHY_SQL} AS why {_FROM} AND {{}}) t WHERE why <> ''"  # noqa: S608


def _read(scope: str, value: int | list[int]) -> dict[int, Leave]:
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(scope), [value])
        return {run_id: Leave(why) for run_id, why in cursor.fetchall()}


def of_runs(run_ids: Sequence[int]) -> dict[int, Leave]:
    """Why each of these runs is over by now; those that go on are not in it. One statement."""
    return _read("r.id = ANY(%s)", list(run_ids))


def of_guests(guest_ids: Sequence[int]) -> dict[int, Leave]:
    """The same for all runs of these guests."""
    return _read("r.guest_id = ANY(%s)", list(guest_ids))


def of_location(location_id: int) -> dict[int, Leave]:
    """The same for all runs of a location."""
    return _read("r.location_id = %s", location_id)
