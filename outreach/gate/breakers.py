"""Breakers: hold what the machine sends where something is far from usual (INV-10).

`look` counts the last days anew, judges each scope (a play at a location, a location, everything)
against the same hours of the weeks before (usual.py) and moves the breakers. The gate reads their
state in the claim; a claim through a half-open one takes a probe by conditional update
(`take_probe`). What people approved is never held here: for that there is the stop switch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import F, Min, Q

from audit import services as audit
from audit.services import Entry
from outreach import events
from outreach.errors import Conflict, NotAllowed
from outreach.gate import notices
from outreach.gate.usual import WEEKS, Counts, Verdict, judge
from outreach.models import Breaker, Message, SendingCount

if TYPE_CHECKING:
    from staff.models import User

State = Breaker.State
Signal = Breaker.Signal
Pair = tuple[str, int]  # play key, location id
Scope = tuple[str | None, int | None]  # (None, None) is everything
EVERYTHING: Scope = (None, None)

QUARTER = timedelta(minutes=15)
WEEK = timedelta(days=7)
# All look at one day. Answers and carriers need time and are rare: these look at three days too.
DAY = timedelta(days=1)
SLOW = (Signal.STOPS, Signal.UNDELIVERED)
WINDOWS = {signal: (DAY, 3 * DAY) if signal in SLOW else (DAY,) for signal in Signal}
COUNTED_ANEW = timedelta(days=3, hours=1)
KEPT = timedelta(weeks=26)
# Money of different currencies is not added up.
FOR_EVERYTHING = [signal for signal in Signal if signal != Signal.COST]

COOLING = timedelta(hours=2)
LONGEST_COOLING = timedelta(hours=24)
PROBES = 5
# A probe counts as good when it arrived, or when so long nothing bad was heard of it.
SETTLED = timedelta(minutes=30)
# Without a look for so long the machine sends nothing: what cannot be judged is not calm.
WATCHED_FOR = timedelta(minutes=30)
# Opened so often in a row, a breaker is a doubt that stands (doubts.py).
STRIKES = 2


@dataclass(frozen=True)
class Planned:
    """What the machine is about to approve for one play at one location."""

    messages: int
    cost_cents: int
    cost_squares: int


# --- Counting -----------------------------------------------------------------------------------

_COUNT = """
INSERT INTO outreach_sendingcount (play_id, location_id, at, approved, cost_cents, cost_squares,
    tried, failed, sent, undelivered, stops, scored, score_sum, score_squares)
SELECT play_id, location_id,
    date_bin('15 minutes', at, TIMESTAMPTZ '2000-01-01 00:00+00') AS quarter,
    sum(approved), sum(cost), sum(cost * cost), sum(sent) + sum(failed), sum(failed), sum(sent),
    sum(undelivered), sum(stops), sum(scored), sum(score), sum(score * score)
FROM (
    SELECT m.play_id, m.location_id, m.approved_at AS at, 1 AS approved, m.cost_cents AS cost,
        0 AS failed, 0 AS sent, 0 AS undelivered, 0 AS stops, 0 AS scored, 0::float AS score
    FROM outreach_message m
    WHERE m.approved_at >= %(since)s AND m.purpose = 'outreach'
    UNION ALL
    SELECT m.play_id, m.location_id, o.sent_at, 0, 0, 0, 1,
        (m.delivery IN ('undelivered', 'bounced'))::int,
        EXISTS (
            SELECT 1 FROM outreach_suppression s
            WHERE s.channel = m.channel AND s.address = m.address AND s.source = 'reply'
              AND s.added_at >= o.sent_at AND s.added_at < o.sent_at + INTERVAL '3 days')::int,
        0, 0
    FROM outreach_message m JOIN platforms_outboxitem o ON o.id = m.outbox_id
    WHERE m.approved_at >= %(approved_since)s AND o.sent_at >= %(since)s AND o.state = 'sent'
      AND m.purpose = 'outreach'
    UNION ALL
    SELECT m.play_id, m.location_id, e.at, 0, 0, 1, 0, 0, 0, 0, 0
    FROM audit_ledgerentry e JOIN outreach_message m ON m.id = e.target_id::bigint
    WHERE e.event = ANY(%(failures)s) AND e.at >= %(since)s
      AND e.target_type = 'outreach.message' AND m.purpose = 'outreach'
    UNION ALL
    SELECT d.play_id, d.location_id, d.created_at, 0, 0, 0, 0, 0, 0, 1,
        (d.evidence ->> 'score')::float
    FROM outreach_draft d
    WHERE d.created_at >= %(since)s AND d.requested_by_id IS NULL
      AND jsonb_typeof(d.evidence -> 'score') = 'number'
) happened
WHERE play_id IS NOT NULL
GROUP BY 1, 2, 3
"""
FAILURES = [events.MESSAGE_REFUSED, events.MESSAGE_DEAD, events.MESSAGE_UNCERTAIN]


def count(*, now: datetime) -> None:
    """Bring the roll-up up to date: the last days are counted anew, what was never counted once,
    what is too old goes. Within the transaction of the look."""
    newest = SendingCount.objects.order_by("-at").values_list("at", flat=True).first()
    since = now - WEEKS * WEEK - COUNTED_ANEW
    if newest is not None:
        since = max(since, min(newest, now) - COUNTED_ANEW)
    since = _quarter(since)
    SendingCount.objects.filter(at__gte=since).delete()
    SendingCount.objects.filter(at__lt=now - KEPT).delete()
    values: dict[str, Any] = {
        "since": since,
        # Approved messages wait for hours at most, given-up ones are tried again by people.
        "approved_since": since - timedelta(days=14),
        "failures": FAILURES,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)


def _quarter(at: datetime) -> datetime:
    """The beginning of the quarter of an hour, UTC."""
    at = at.astimezone(UTC)
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)


_WINDOWS = """
SELECT play_id, location_id, (age - 1) / 672 AS week,
    sum(approved), sum(cost_cents), sum(cost_squares), sum(tried), sum(failed), sum(sent),
    sum(undelivered), sum(stops), sum(scored), sum(score_sum), sum(score_squares)
FROM (
    SELECT *, (extract(epoch FROM %(end)s - at) / 900)::int AS age
    FROM outreach_sendingcount WHERE at >= %(since)s AND at < %(end)s
) counted
WHERE (age - 1) %% 672 < %(quarters)s
GROUP BY 1, 2, 3
"""


def _windows(*, now: datetime, span: timedelta) -> dict[Pair, dict[int, Counts]]:
    """What happened in the `span` up to now (week 0) and in the same span of each week before, by
    play and location. Empty ones are left out. One query."""
    end = _quarter(now) + QUARTER
    found: dict[Pair, dict[int, Counts]] = defaultdict(dict)
    values: dict[str, Any] = {
        "end": end,
        "since": end - WEEKS * WEEK - span,
        "quarters": span // QUARTER,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WINDOWS, values)
        for play, location_id, week, *counts in cursor.fetchall():
            if week <= WEEKS:
                found[play, location_id][week] = Counts(*(float(value) for value in counts))
    return found


@dataclass
class _History:
    """A scope's windows by week, and since when anything is known of it."""

    weeks: dict[int, Counts]
    first_at: datetime

    def known(self, now: datetime, span: timedelta) -> int:
        return min(WEEKS, max(0, (now - span - self.first_at) // WEEK))

    def before(self, now: datetime, span: timedelta) -> list[Counts]:
        known = self.known(now, span)
        return [self.weeks.get(week, Counts()) for week in range(1, known + 1)]


def _histories(
    windows: Mapping[Pair, Mapping[int, Counts]],
    first_at: Mapping[Pair, datetime],
    planned: Mapping[Pair, Planned],
    *,
    now: datetime,
) -> dict[Scope, _History]:
    """Each scope's history: a pair's own, and the sums of its location and of everything."""
    found: dict[Scope, _History] = {EVERYTHING: _History({}, now)}
    for pair in {*windows, *planned}:
        weeks = dict(windows.get(pair, {}))
        if pair in planned:
            plan = planned[pair]
            week = weeks.get(0, Counts())
            weeks[0] = replace(
                week,
                approved=week.approved + plan.messages,
                cost_cents=week.cost_cents + plan.cost_cents,
                cost_squares=week.cost_squares + plan.cost_squares,
            )
        first = first_at.get(pair, now)
        for scope in scopes_of(*pair):
            history = found.setdefault(scope, _History({}, first))
            history.first_at = min(history.first_at, first)
            for week_no, counts in weeks.items():
                history.weeks[week_no] = history.weeks.get(week_no, Counts()) + counts
    return found


def scopes_of(play: str, location_id: int) -> list[Scope]:
    """Every scope a message of this play at this location falls into."""
    return [(play, location_id), (None, location_id), EVERYTHING]


# --- Looking ------------------------------------------------------------------------------------


@transaction.atomic
def look(*, now: datetime, planned: Mapping[Pair, Planned] | None = None) -> list[Breaker]:
    """Judge every signal in every scope and move the breakers; `planned` counts as if it had
    happened. Returns those that are not closed. A constant number of queries while nothing moves
    and nothing was closed lately."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('outreach.breakers'))")
    count(now=now)
    first_at = {
        (play, location_id): at
        for play, location_id, at in SendingCount.objects.values_list("play", "location")
        .annotate(first=Min("at"))
        .order_by()
    }
    histories = {
        span: _histories(_windows(now=now, span=span), first_at, planned or {}, now=now)
        for span in (DAY, 3 * DAY)
    }
    rows = {
        ((row.play_id, row.location_id), Signal(row.signal)): row
        for row in Breaker.objects.select_for_update(of=("self",))
        .select_related("play", "location")
        .order_by("pk")
    }
    verdicts: dict[tuple[Scope, Signal], Verdict] = {}
    for signal, spans in WINDOWS.items():
        for span in spans:
            for scope, history in histories[span].items():
                if scope == EVERYTHING and signal not in FOR_EVERYTHING:
                    continue
                if (before := verdicts.get((scope, signal))) is not None and before.trips:
                    continue
                row = rows.get((scope, signal))
                if row is not None and _is_recent(row, now=now, span=span):
                    verdicts[scope, signal] = _since_then(row, scope, first_at, now=now)
                else:
                    verdicts[scope, signal] = judge(
                        signal, history.weeks.get(0, Counts()), history.before(now, span)
                    )
    stood = {key: row.state for key, row in rows.items()}
    entries = _move_all(rows, verdicts, now=now)
    news = {State.OPEN: notices.OPENED, State.CLOSED: notices.CLOSED}
    moved = [
        (row, news[State(row.state)])
        for key, row in rows.items()
        if row.state != stood.get(key, State.CLOSED) and row.state != State.HALF_OPEN
    ]
    notices.tell(moved + notices.still_held(rows.values(), now=now), now=now)
    audit.record_many(entries)
    return holding()


def _is_recent(row: Breaker, *, now: datetime, span: timedelta) -> bool:
    return row.counts_from_at is not None and row.counts_from_at > now - span


def _since_then(
    row: Breaker, scope: Scope, first_at: Mapping[Pair, datetime], *, now: datetime
) -> Verdict:
    """The verdict on what happened since a person or good probes put an end to what was before:
    the whole quarters since, against the same quarters of the weeks before."""
    assert row.counts_from_at is not None
    span = (_quarter(now) + QUARTER - row.counts_from_at) // QUARTER * QUARTER
    if span < QUARTER:
        return Verdict(False)
    history = _histories(_windows(now=now, span=span), first_at, {}, now=now).get(scope)
    if history is None:
        return Verdict(False)
    return judge(Signal(row.signal), history.weeks.get(0, Counts()), history.before(now, span))


def _move_all(
    rows: dict[tuple[Scope, Signal], Breaker],
    verdicts: Mapping[tuple[Scope, Signal], Verdict],
    *,
    now: datetime,
) -> list[Entry]:
    entries: list[Entry] = []
    for (scope, signal), verdict in verdicts.items():
        row = rows.get((scope, signal))
        if row is None and (verdict.trips or scope == EVERYTHING):
            row = rows[scope, signal] = Breaker.objects.create(
                play_id=scope[0],
                location_id=scope[1],
                signal=signal,
                evaluated_at=now,
                changed_at=now,
            )
        if row is None:
            continue
        if verdict.trips and row.state != State.OPEN:
            entries.append(_open(row, why=verdict.why, now=now))
    outcomes = _outcomes([row for row in rows.values() if row.state == State.HALF_OPEN], now=now)
    for row in rows.values():
        good, bad = outcomes.get(row.pk, (0, 0))
        if row.state == State.HALF_OPEN and bad:
            entries.append(_open(row, why="A message let through to try went wrong.", now=now))
        elif row.state == State.HALF_OPEN and good >= PROBES:
            entries.append(_close(row, why=f"{good} messages let through went well", now=now))
        elif row.state == State.OPEN and row.tries_at is not None and row.tries_at <= now:
            entries.append(_half_open(row, now=now))
        elif row.state == State.CLOSED and row.strikes and row.changed_at < now - WEEK:
            row.strikes = 0
        row.evaluated_at = now
    Breaker.objects.bulk_update(
        rows.values(),
        [
            "state", "reason", "tries_at", "round", "probes_left", "strikes", "counts_from_at",
            "changed_at", "changed_by", "evaluated_at",
        ],
        batch_size=500,
    )  # fmt: skip
    return entries


def _open(row: Breaker, *, why: str, now: datetime) -> Entry:
    row.strikes += 1
    row.state, row.reason, row.probes_left = State.OPEN, why[:200], 0
    row.changed_at, row.changed_by = now, None
    row.tries_at = now + min(COOLING * 2 ** min(row.strikes - 1, 8), LONGEST_COOLING)
    return _entry(events.BREAKER_OPENED, row, now=now)


def _half_open(row: Breaker, *, now: datetime) -> Entry:
    row.state, row.probes_left, row.round = State.HALF_OPEN, PROBES, row.round + 1
    row.changed_at, row.changed_by, row.counts_from_at = now, None, now
    return _entry(events.BREAKER_TRIES, row, now=now)


def _close(row: Breaker, *, why: str, now: datetime, by: User | None = None) -> Entry:
    row.state, row.reason, row.probes_left, row.tries_at = State.CLOSED, why[:200], 0, None
    row.changed_at, row.changed_by, row.counts_from_at = now, by, now
    return _entry(events.BREAKER_CLOSED, row, now=now, by=by)


def _entry(event: str, row: Breaker, *, now: datetime, by: User | None = None) -> Entry:
    return Entry(
        event=event,
        at=now,
        by=by,
        location_id=row.location_id,
        target=row,
        detail={
            "signal": Signal(row.signal).label,
            "play": row.play_id or "",
            "reason": row.reason,
            "round": row.round,
            "strikes": row.strikes,
        },
    )


_OUTCOMES = """
SELECT p.breaker_id, count(*) FILTER (WHERE NOT bad AND settled), count(*) FILTER (WHERE bad)
FROM (
    SELECT p.breaker_id,
        o.state IN ('refused', 'dead', 'uncertain') OR m.delivery IN ('undelivered', 'bounced')
        OR EXISTS (
            SELECT 1 FROM outreach_suppression s
            WHERE s.channel = m.channel AND s.address = m.address AND s.added_at >= p.at) AS bad,
        o.state = 'sent' AND (m.delivery = 'delivered' OR o.sent_at <= %(settled)s) AS settled
    FROM outreach_breakerprobe p
    JOIN outreach_breaker b ON b.id = p.breaker_id AND b.round = p.round
    JOIN outreach_message m ON m.id = p.message_id
    JOIN platforms_outboxitem o ON o.id = m.outbox_id
    WHERE b.id = ANY(%(breakers)s)
) p
GROUP BY 1
"""


def _outcomes(rows: Sequence[Breaker], *, now: datetime) -> dict[int, tuple[int, int]]:
    """How many probes of the present round went well and how many badly, by breaker."""
    if not rows:
        return {}
    values: dict[str, Any] = {"breakers": [row.pk for row in rows], "settled": now - SETTLED}
    with connection.cursor() as cursor:
        cursor.execute(_OUTCOMES, values)
        return {pk: (good, bad) for pk, good, bad in cursor.fetchall()}


# --- What is held -------------------------------------------------------------------------------


def holding() -> list[Breaker]:
    """Breakers that are not closed, the newest first."""
    return list(
        Breaker.objects.exclude(state=State.CLOSED)
        .select_related("play", "location", "changed_by")
        .order_by("-changed_at", "-pk")
    )


def concerning(rows: Iterable[Breaker], play: str, location_id: int) -> list[Breaker]:
    """Those of the breakers in whose scope a play at a location lies."""
    scopes = scopes_of(play, location_id)
    return [row for row in rows if (row.play_id, row.location_id) in scopes]


def take_probe(message: Message, *, now: datetime) -> bool:
    """Within the claim of a message the machine approved: let it through each half-open breaker
    of its scopes, as one of the few that may. False: it must wait, and the claim be undone."""
    rows = (
        Breaker.objects.select_for_update()
        .exclude(state=State.CLOSED)
        .filter(_scoped(message))
        .order_by("pk")
    )
    for row in rows:
        if row.state != State.HALF_OPEN:
            return False
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO outreach_breakerprobe (breaker_id, round, message_id, at)
                VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
                """,
                [row.pk, row.round, message.pk, now],
            )
            is_new = cursor.rowcount == 1
        # The same message may try again; a new one takes a place, if there is one left.
        if is_new and not Breaker.objects.filter(
            pk=row.pk, state=State.HALF_OPEN, round=row.round, probes_left__gt=0
        ).update(probes_left=F("probes_left") - 1):
            return False
    return True


def _scoped(message: Message) -> Q:
    """Breakers in whose scope the message lies."""
    within = Q(pk__in=[])
    for play, location_id in scopes_of(message.play_id or "", message.location_id):
        within |= Q(play=play, location=location_id)
    return within


def room_for(play: str, location_id: int, rows: Iterable[Breaker]) -> int | None:
    """How many more messages of a play at a location the machine may approve: None where nothing
    is held, as many as may still be tried in a half-open scope, none in an open one."""
    left = [
        row.probes_left - _waiting(row) if row.state == State.HALF_OPEN else 0
        for row in concerning(rows, play, location_id)
    ]
    return max(0, min(left)) if left else None


def _waiting(row: Breaker) -> int:
    """Messages of the machine in the scope that have not been tried yet."""
    waiting = Message.objects.filter(is_automatic=True, outbox__state="ready")
    if row.location_id is not None:
        waiting = waiting.filter(location=row.location_id)
    if row.play_id is not None:
        waiting = waiting.filter(play=row.play_id)
    return waiting.count()


@transaction.atomic
def close_by_hand(*, breaker_id: int, reason: str, by: User, now: datetime) -> Breaker:
    """A person puts an end to it: what happened so far no longer counts. The caller has asked for
    the password. Raises NotAllowed, Conflict."""
    row: Breaker = (
        Breaker.objects.select_for_update(of=("self",))
        .select_related("play", "location")
        .get(pk=breaker_id)
    )
    if not by.has_perm("outreach.resume_sending", row.location):
        raise NotAllowed("You may not let messages go on here. Ask a regional manager.")
    if not reason.strip():
        raise NotAllowed("Say why the messages may go on.")
    if row.state == State.CLOSED:
        raise Conflict("Nothing is held here any more.")
    entry = _close(row, why=reason.strip(), now=now, by=by)
    row.strikes = 0
    row.save()
    notices.tell([(row, notices.CLOSED)], now=now, by=by)
    audit.record_many([entry])
    return row
