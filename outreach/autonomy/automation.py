"""What the pages about automation show: each play at each location, and one of them in full."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Min
from django.utils.translation import gettext as _

from memberships.models import Location
from outreach.autonomy import shadows, tallies
from outreach.autonomy.evidence import Numbers, share_in_words
from outreach.autonomy.promotion import Case, case_for
from outreach.autonomy.shadows import Comparison
from outreach.gate import breakers
from outreach.models import Breaker, Draft, Phase, PhaseChange, Play, PlayPhase

if TYPE_CHECKING:
    from staff.models import User

CHANGES_SHOWN = 20
SHADOWS_SINCE = timedelta(days=180)


def habits(n: Numbers) -> list[tuple[str, str]]:
    """The habits of a play in words: counts below 20, percent above."""
    return [
        (_("Approved as it came"), share_in_words(n.as_is, n.decided)),
        (_("Approved after a change"), share_in_words(n.edited, n.decided)),
        (_("Rejected"), share_in_words(n.rejected, n.decided)),
        (_("Taken back"), share_in_words(n.taken_back, n.messages)),
        (_("Said stop"), share_in_words(n.stops, n.sent)),
        (_("Not delivered"), share_in_words(n.undelivered, n.sent)),
    ]


@dataclass(frozen=True)
class Line:
    """One play at one location. `row` is not stored where nobody has moved the play yet."""

    play: Play
    location: Location
    row: PlayPhase
    numbers: Numbers
    held: list[Breaker]

    @property
    def tone(self) -> str:
        if self.row.doubt or self.held:
            return "warn"
        return "info" if self.row.phase == Phase.AUTOMATIC else ""

    @property
    def shares(self) -> list[tuple[str, str]]:
        return habits(self.numbers)


@dataclass(frozen=True)
class PlayLine:
    """One play at all the places together."""

    play: Play
    phases: list[tuple[Phase, int]]  # at how many places, what acts by itself first
    held: int  # at how many of them
    numbers: Numbers

    @property
    def shares(self) -> list[tuple[str, str]]:
        return habits(self.numbers)


Place = tuple[Play, Location, PlayPhase]
_ORDER = {Phase.AUTOMATIC: 0, Phase.REVIEW: 1, Phase.REPORT: 2}


def lines(places: Iterable[Location], *, play: Play | None = None) -> list[Place]:
    """Every play, or one, at each of the places that are in use, what needs a look first, then
    what acts by itself. Two queries at most."""
    here = [place for place in places if place.is_active]
    stored = PlayPhase.objects.filter(location__in=here)
    if play is not None:
        stored = stored.filter(play=play)
    rows = {(row.play_id, row.location_id): row for row in stored}
    found = [
        (one, place, rows.get((one.pk, place.pk)) or _unmoved(one, place))
        for one in ([play] if play else Play.objects.order_by("name"))
        for place in here
    ]
    found.sort(key=lambda one: (not one[2].doubt, _ORDER[Phase(one[2].phase)]))
    return found


def by_play(found: Iterable[Place], held: Sequence[Breaker]) -> list[PlayLine]:
    """One line for each play, in the order of names, with what the night has counted at all the
    places together. One query."""
    phases: dict[str, Counter[Phase]] = defaultdict(Counter)
    plays: dict[str, Play] = {}
    held_at: Counter[str] = Counter()
    places = set()
    for play, place, row in found:
        plays[play.pk] = play
        phases[play.pk][Phase(row.phase)] += 1
        held_at[play.pk] += bool(breakers.concerning(held, play.pk, place.pk))
        places.add(place.pk)
    totals = tallies.totals(places)
    return [
        PlayLine(
            play=play,
            phases=[(phase, phases[key][phase]) for phase in _ORDER if phases[key][phase]],
            held=held_at[key],
            numbers=totals.get(key, Numbers()),
        )
        for key, play in sorted(plays.items(), key=lambda one: one[1].name)
    ]


def _unmoved(play: Play, location: Location) -> PlayPhase:
    """Where nobody has moved the play every draft is reviewed."""
    return PlayPhase(play=play, location=location, phase=Phase.REVIEW)


def with_numbers(page: Sequence[Place], held: Sequence[Breaker]) -> list[Line]:
    """The lines of one page with what the night has counted. One query."""
    counts = tallies.numbers({place.pk for _, place, _ in page})
    return [
        Line(
            play=play,
            location=place,
            row=row,
            numbers=counts.get((play.pk, place.pk), Numbers()),
            held=breakers.concerning(held, play.pk, place.pk),
        )
        for play, place, row in page
    ]


def held_for(user: User) -> list[Breaker]:
    """Breakers that are not closed and concern the person's locations. One query."""
    mine = set(user.location_ids())
    return [row for row in breakers.holding() if row.location_id is None or row.location_id in mine]


@dataclass(frozen=True)
class PlayPage:
    """One play at one location in full."""

    line: Line
    case: Case
    next_up: Phase | None
    obstacles: list[str]
    downs: list[Phase]
    changes: list[PhaseChange]
    comparison: Comparison

    @property
    def rejections(self) -> list[tuple[str, int]]:
        n = self.line.numbers
        return [
            (str(Draft.Rejection.PERSON.label), n.rejected_person),
            (str(Draft.Rejection.OFFER.label), n.rejected_offer),
            (str(Draft.Rejection.WORDS.label), n.rejected_words),
            (str(Draft.Rejection.NOT_NOW.label), n.rejected_not_now),
        ]

    @property
    def untouched(self) -> list[tuple[str, str]]:
        """What people did in the 30 days after the play would have written to them."""
        c = self.comparison
        members = [
            (_("Still members"), share_in_words(c.stayed, c.known)),
            (_("Membership ended"), share_in_words(c.left, c.known)),
        ]
        if self.line.play.wins_back:
            members = [(_("Members again"), share_in_words(c.members, c.known))]
        return [
            *members,
            (_("Booked"), share_in_words(c.booked, c.known)),
            (_("Came"), share_in_words(c.came, c.known)),
        ]

    @property
    def effect(self) -> list[tuple[str, str]]:
        """Members 60 days after the draw, by arm."""
        arms = self.line.numbers.arms
        if not arms.treated and not arms.held_out:
            return []
        written, alone = _("Still members, written to"), _("Still members, left alone")
        if self.line.play.wins_back:
            written, alone = _("Members again, written to"), _("Members again, left alone")
        return [
            (written, share_in_words(arms.treated_kept, arms.treated)),
            (alone, share_in_words(arms.held_out_kept, arms.held_out)),
        ]


def play_page(*, play: Play, location: Location, by: User, now: datetime) -> PlayPage:
    """Read one play at one location for the person who looks."""
    row = (
        PlayPhase.objects.select_related("play", "location", "set_by")
        .filter(play=play, location=location)
        .first()
    )
    if row is None:
        row = _unmoved(play, location)
        first = Draft.objects.filter(play=play, location=location).aggregate(at=Min("created_at"))
        row.reviewed_since_at = first["at"]
    case = case_for(row, by=by, now=now)
    up = {Phase.REPORT: Phase.REVIEW, Phase.REVIEW: Phase.AUTOMATIC}.get(Phase(row.phase))
    if up is None and case.rules_differ:
        up = Phase.AUTOMATIC
    downs = {
        Phase.AUTOMATIC: [Phase.REVIEW, Phase.REPORT],
        Phase.REVIEW: [Phase.REPORT],
        Phase.REPORT: [],
    }
    held = breakers.concerning(breakers.holding(), play.pk, location.pk)
    return PlayPage(
        line=Line(play=play, location=location, row=row, numbers=case.numbers, held=held),
        case=case,
        next_up=up,
        obstacles=case.obstacles_to(up) if up else [],
        downs=downs[Phase(row.phase)],
        changes=list(
            PhaseChange.objects.filter(play=play, location=location).select_related("by")[
                :CHANGES_SHOWN
            ]
        ),
        comparison=shadows.compare(
            play_key=play.pk, location_id=location.pk, since=now - SHADOWS_SINCE, now=now
        ),
    )
