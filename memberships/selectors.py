"""How fresh the mirror is, and what the page about it shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q

from audit.models import JobRun
from memberships.location_sync import NEEDED, STREAMS
from memberships.mirror.staging import fetch
from memberships.models import WHOLE, Location, SyncCursor
from platforms.models import DeadLetter

# A night may be an hour late before anybody is told.
LATE_AFTER = timedelta(hours=26)
RUNNING_FOR = timedelta(minutes=10)
# A business that is open changes something every few hours.
SILENT_AFTER = timedelta(hours=12)
PARKED_SHOWN = 50


@dataclass(frozen=True)
class Freshness:
    """The age of the data a person sees: `as_of_at` is the oldest among the locations in time;
    `late` of `total` locations are not."""

    as_of_at: datetime | None
    late: int
    total: int

    @property
    def is_stale(self) -> bool:
        """Nothing seen here is in time."""
        return self.late > 0 and self.late == self.total


def freshness(user: Any, now: datetime) -> Freshness:
    """For the head of every page: one query."""
    rows = list(
        Location.objects.visible_to(user)
        .filter(is_active=True)
        .annotate(as_of_at=Max("synccursor__complete_at", filter=Q(synccursor__stream=WHOLE)))
        .values_list("as_of_at", flat=True)
    )
    known = [at for at in rows if at is not None]
    in_time = [at for at in known if now - at <= LATE_AFTER]
    return Freshness(
        as_of_at=min(in_time, default=max(known, default=None)),
        late=len(rows) - len(in_time),
        total=len(rows),
    )


@dataclass
class LocationState:
    """One line of the page: a location, its streams, what is parked, its newest runs."""

    location: Location
    as_of_at: datetime | None = None
    streams: list[SyncCursor] = field(default_factory=list)
    current: SyncCursor | None = None
    parked: int = 0
    runs: list[JobRun] = field(default_factory=list)
    is_late: bool = True

    @property
    def failed(self) -> list[SyncCursor]:
        """Needed streams whose last run broke."""
        return [cursor for cursor in self.streams if cursor.error and cursor.stream in NEEDED]

    @property
    def is_running(self) -> bool:
        return self.current is not None

    @property
    def step(self) -> int:
        """Which of the streams is being read, from 1."""
        return STREAMS.index(self.current.stream) + 1 if self.current else 0

    @property
    def steps(self) -> int:
        return len(STREAMS)

    @property
    def pages_per_cent(self) -> int:
        """How far the stream being read is, 0 to 100."""
        if self.current is None or not self.current.pages_total:
            return 0
        return min(100, round(100 * self.current.pages_done / self.current.pages_total))

    @property
    def rows(self) -> int:
        return sum(cursor.rows for cursor in self.streams)


@dataclass(frozen=True)
class SyncPage:
    """Everything on /sync/."""

    states: list[LocationState]
    catalogue: list[SyncCursor]
    parked: list[DeadLetter]
    parked_total: int
    last_delivery_at: datetime | None
    parked_deliveries: int
    waiting_hints: int
    is_silent: bool

    @property
    def is_running(self) -> bool:
        return any(state.is_running for state in self.states)

    @property
    def late(self) -> int:
        return sum(state.is_late for state in self.states)


def sync_page(*, user: Any, locations: Sequence[Location], now: datetime) -> SyncPage:
    """The page for the locations a person picked among the person's own. Five queries."""
    states = {location.pk: LocationState(location) for location in locations}
    whole = getattr(user, "all_locations", False)
    catalogue = _fill_streams(states, whole=whole, now=now)
    parked = _parked(states, whole=whole)
    _fill_runs(states)
    newest, parked_deliveries, waiting_hints = _webhooks()
    return SyncPage(
        states=sorted(states.values(), key=_worst_first),
        catalogue=catalogue,
        parked=list(parked.order_by("-last_seen_at")[:PARKED_SHOWN]),
        parked_total=_count_parked(states, parked),
        last_delivery_at=newest,
        parked_deliveries=parked_deliveries,
        waiting_hints=waiting_hints,
        is_silent=newest is None or now - newest > SILENT_AFTER,
    )


def _webhooks() -> tuple[datetime | None, int, int]:
    """Newest delivery of the platform, deliveries nobody understood, entities to be read again."""
    ((newest, parked, waiting),) = fetch(
        """
        SELECT (SELECT max(received_at) FROM platforms_inboxdelivery WHERE connection = 'zenoti'),
               (SELECT count(*) FROM platforms_inboxdelivery
                WHERE connection = 'zenoti' AND status = 'parked'),
               (SELECT count(*) FROM platforms_entityhint WHERE sync_gen > done_gen)
        """
    )
    return newest, parked, waiting


def _worst_first(state: LocationState) -> tuple[int, str]:
    rank = 0 if state.failed else 1 if state.is_running else 2 if state.is_late else 3
    return rank, state.location.name


def _fill_streams(
    states: dict[int, LocationState], *, whole: bool, now: datetime
) -> list[SyncCursor]:
    """Sort the cursors to their locations; those of the account are returned, for people who
    see the whole of it."""
    order = {name: place for place, name in enumerate(STREAMS)}
    catalogue = []
    cursors = SyncCursor.objects.filter(Q(location_id__in=states) | Q(location=None))
    for cursor in cursors.order_by("pk"):
        if cursor.location_id is None:
            catalogue.append(cursor)
        elif cursor.stream == WHOLE:
            state = states[cursor.location_id]
            state.as_of_at = cursor.complete_at
            state.is_late = cursor.complete_at is None or now - cursor.complete_at > LATE_AFTER
        elif cursor.stream in order:
            states[cursor.location_id].streams.append(cursor)
    for state in states.values():
        state.streams.sort(key=lambda cursor: order[cursor.stream])
        under_way = [cursor for cursor in state.streams if _is_under_way(cursor, now)]
        state.current = max(under_way, key=_started, default=None)
    return catalogue if whole else []


def _started(cursor: SyncCursor) -> tuple[datetime, int]:
    assert cursor.started_at is not None
    return cursor.started_at, STREAMS.index(cursor.stream)


def _is_under_way(cursor: SyncCursor, now: datetime) -> bool:
    if cursor.started_at is None or cursor.error:
        return False
    unfinished = cursor.complete_at is None or cursor.complete_at < cursor.started_at
    return unfinished and now - cursor.started_at < RUNNING_FOR * (1 + bool(cursor.cursor) * 5)


def _parked(states: dict[int, LocationState], *, whole: bool) -> Any:
    """Parked records of these locations; those that name none are for people who see all."""
    ids = [state.location.external_id for state in states.values()]
    mine = Q(location_external_id__in=ids)
    if whole:
        mine |= Q(location_external_id="")
    return DeadLetter.objects.filter(mine, resolved_at=None)


def _count_parked(states: dict[int, LocationState], parked: Any) -> int:
    by_location = dict(
        parked.values("location_external_id")
        .annotate(n=Count("pk"))
        .values_list("location_external_id", "n")
    )
    for state in states.values():
        state.parked = by_location.get(state.location.external_id, 0)
    return sum(by_location.values())


def _fill_runs(states: dict[int, LocationState]) -> None:
    """The newest run of each job at each location."""
    # One step of the index per job and location: reading them all grows with every night.
    newest = fetch(
        """
        WITH RECURSIVE jobs AS (
            SELECT min(job) AS job FROM audit_jobrun
            UNION ALL
            SELECT (SELECT min(r.job) FROM audit_jobrun r WHERE r.job > jobs.job)
            FROM jobs WHERE jobs.job IS NOT NULL
        )
        SELECT (SELECT max(r.id) FROM audit_jobrun r
                WHERE r.job = jobs.job AND r.location_id = place)
        FROM jobs, unnest(%(places)s::bigint[]) place WHERE jobs.job IS NOT NULL
        """,
        {"places": list(states)},
    )
    rows = JobRun.objects.filter(pk__in=[pk for (pk,) in newest if pk])
    found: dict[int, list[JobRun]] = defaultdict(list)
    for run in rows:
        found[run.location_id].append(run)
    for location_id, runs in found.items():
        states[location_id].runs = sorted(runs, key=lambda run: run.pk, reverse=True)
