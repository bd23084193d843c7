"""The world the state machine plays in: a few guests, staff and plays, and a second opinion.

`World` keeps in plain Python what was said and done. From that alone it answers whether a message
may reach its guest at this instant: written a second time, in other words than the gate's SQL.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from memberships.models import Guest, Location
from outreach.drafting.candidates import Candidate
from outreach.drafting.making import draft_for
from outreach.experiments.arms import falls_into_holdout
from outreach.library.seed import AT_RISK, seed_library
from outreach.models import Draft, Message, Offer, OutreachPolicy, Play, Template
from outreach.services import approve_draft
from staff.models import User
from tests.factories.memberships import GuestFactory, LocationFactory, MembershipFactory
from tests.factories.outreach import EVIDENCE, mirror_is_fresh
from tests.factories.staff import UserFactory

PLAYS = [AT_RISK, "win-back-try", "nudge-try"]
DECIDING = {"manager", "regional", "admin"}
FRESH_FOR = timedelta(hours=26)
APPROVED_FOR = timedelta(hours=72)
WEEK = timedelta(days=7)
WATCHED_FOR = timedelta(minutes=30)


@dataclass
class Person:
    """A guest as the mirror has it."""

    id: int
    location_id: int
    membership_id: int
    phone: str
    email: str
    zone: str
    sms_ok: bool = True
    email_ok: bool = True
    vanished: bool = False


@dataclass
class Staff:
    """Somebody who decides."""

    id: int
    role: str
    limit: int
    locations: set[int]
    active: bool = True

    def may_decide(self, location_id: int) -> bool:
        return self.active and self.role in DECIDING and self.serves(location_id)

    def serves(self, location_id: int) -> bool:
        return self.role == "admin" or location_id in self.locations

    def may_pay(self, cost: int) -> bool:
        return self.role == "admin" or cost <= self.limit


@dataclass
class Paper:
    """A draft as its last reader saw it."""

    id: int
    guest_id: int
    location_id: int
    play: str
    channel: str
    address: str
    subject: str
    body: str
    library: tuple[str, str]
    cost: int
    offer_id: int | None
    expires_at: datetime
    begun_at: datetime
    status: str = "pending"
    version: int = 1
    writers: set[int] = field(default_factory=set)
    decided_at: datetime | None = None
    letter: Letter | None = None

    @property
    def is_decided(self) -> bool:
        """A cancelled message leaves its draft withdrawn, the decision stands."""
        return self.status in ("approved", "rejected") or self.letter is not None


@dataclass
class Letter:
    """One approval: what was approved, by whom, and what became of it."""

    outbox_id: str
    message_id: int
    guest_id: int
    location_id: int
    play: str
    channel: str
    to: str
    subject: str
    body: str
    cost: int
    by: int | None
    paper: Paper | None
    by_rule: bool = False  # nobody looked: a play that is trusted here sent it
    state: str = "ready"
    tries: int = 0  # calls and look-ups
    calls: list[datetime] = field(default_factory=list)
    accepted: list[datetime] = field(default_factory=list)

    @property
    def is_outreach(self) -> bool:
        return self.paper is not None

    @property
    def money(self) -> str:
        """What must have become of its cost."""
        if not self.cost:
            return "none"
        if self.state == "sent":
            return "posted"
        return "voided" if self.state in ("refused", "dead", "withdrawn") else "reserved"


@dataclass(frozen=True)
class Trust:
    """A play that may act by itself at a location: since when, and on which terms."""

    since: datetime
    least_p: float
    most_cost: int


@dataclass(frozen=True)
class Held:
    """Something is not as usual: `play` and `location_id` None mean any. `tries`: how many
    messages may leave in this `round` to see what becomes of them."""

    breaker_id: int
    round: int
    play: str | None
    location_id: int | None
    tries: int

    def covers(self, letter: Letter) -> bool:
        return self.play in (None, letter.play) and self.location_id in (None, letter.location_id)


@dataclass
class World:
    """What is true, by our own book-keeping."""

    now: datetime
    people: dict[int, Person]
    staff: dict[int, Staff]
    policy: dict[str, Any]
    fresh: dict[int, datetime]
    held_out: set[tuple[int, str]]
    offers_out: set[int] = field(default_factory=set)
    papers: dict[int, Paper] = field(default_factory=dict)
    letters: dict[str, Letter] = field(default_factory=dict)
    suppressed: set[tuple[str, str]] = field(default_factory=set)
    unread: Counter[str] = field(default_factory=Counter)  # answers waiting, by address
    answered: dict[int, datetime] = field(default_factory=dict)  # by guest, the last one read
    switches: set[tuple[str, str]] = field(default_factory=set)
    reporting: set[tuple[str, int]] = field(default_factory=set)
    trusted: dict[tuple[str, int], Trust] = field(default_factory=dict)
    watched_at: datetime | None = None  # when somebody last looked whether all is as usual
    held: list[Held] = field(default_factory=list)
    # Letters that left to see what becomes of them, by breaker and round.
    tried: defaultdict[tuple[int, int], set[str]] = field(default_factory=lambda: defaultdict(set))

    def enter_approval(self, paper: Paper, message: Message) -> None:
        """What counts from now on is what the paper said, whatever was stored."""
        paper.status, paper.version, paper.decided_at = "approved", paper.version + 1, self.now
        paper.letter = Letter(
            outbox_id=str(message.outbox_id),
            message_id=message.pk,
            guest_id=paper.guest_id,
            location_id=paper.location_id,
            play=paper.play,
            channel=paper.channel,
            to=paper.address,
            subject=paper.subject,
            body=paper.body,
            cost=paper.cost,
            by=message.approved_by_id,
            paper=paper,
            by_rule=message.is_automatic,
        )
        assert paper.letter.outbox_id not in self.letters, "two approvals, one effect"
        self.letters[paper.letter.outbox_id] = paper.letter

    # --- May it leave? ------------------------------------------------------------------------

    def forbids(self, letter: Letter) -> list[str]:
        """Every reason why a call for the letter, begun now, is wrong."""
        closed = [("all", ""), ("location", str(letter.location_id)), ("channel", letter.channel)]
        if letter.play:
            closed.append(("play", letter.play))
        found = ["stopped"] if self.switches & set(closed) else []
        if self.unread[letter.to]:
            found.append("answer unread")
        if not letter.is_outreach:
            return found
        person, paper, by = self.people[letter.guest_id], letter.paper, self.staff[letter.by or 0]
        address, agreed = self._reach(person, letter.channel)
        opinions = {
            "said stop": (letter.channel, letter.to) in self.suppressed,
            "not approved": paper is None or paper.status != "approved" or paper.letter != letter,
            "approver": not (by.may_decide(letter.location_id) and by.may_pay(letter.cost)),
            "too old": paper is None
            or paper.decided_at is None
            or self.now - paper.decided_at >= APPROVED_FOR,
            "consent": person.vanished or not agreed,
            "address": address != letter.to,
            "comparison group": (letter.guest_id, letter.play) in self.held_out,
            "answered": paper is not None
            and paper.play == AT_RISK  # the one play that is a sequence here
            and paper.guest_id in self.answered
            and self.answered[paper.guest_id] > paper.begun_at,
            "report only": (letter.play, letter.location_id) in self.reporting,
            "old data": self.now - self.fresh[letter.location_id] >= FRESH_FOR,
            "week": self._this_week(letter) >= self.policy["weekly_cap"],
            "hold": self._since_contact(letter, lambda one: one.accepted) < self._hold,
            "hours": not self.is_open(person.zone),
        }
        found += [name for name, wrong in opinions.items() if wrong]
        return found + self._forbids_by_rule(letter) if letter.by_rule else found

    def _forbids_by_rule(self, letter: Letter) -> list[str]:
        """What nobody looked at needs a play that is trusted, and calm that somebody has seen."""
        opinions = {
            "not trusted": (letter.play, letter.location_id) not in self.trusted,
            "nobody watches": self.watched_at is None or self.now - self.watched_at >= WATCHED_FOR,
            "not as usual": any(
                one.covers(letter) and len(self._tried(one) - {letter.outbox_id}) >= one.tries
                for one in self.held
            ),
        }
        return [name for name, wrong in opinions.items() if wrong]

    def _tried(self, held: Held) -> set[str]:
        return self.tried[held.breaker_id, held.round]

    def note_try(self, letter: Letter) -> None:
        """The letter meets the carrier while something is not as usual."""
        for held in self.held:
            if letter.by_rule and held.covers(letter):
                self._tried(held).add(letter.outbox_id)

    def surely_free(self, letter: Letter) -> bool:
        """Nothing speaks against the letter, with room on every side: then it must have left."""
        person = self.people[letter.guest_id]
        others = [one for one in self._others(letter) if one.calls]
        return (
            not self.forbids(letter)
            and len([one for one in others if one.calls[-1] > self.now - WEEK - timedelta(days=1)])
            < self.policy["weekly_cap"]
            and self._since_contact(letter, lambda one: one.calls)
            > self._hold + timedelta(minutes=1)
            and self.is_open(person.zone, time(10), time(15))
            and not any(address in (person.phone, person.email) for _, address in self.suppressed)
            and not (letter.by_rule and self.held)
        )

    def _reach(self, person: Person, channel: str) -> tuple[str, bool]:
        if channel == "email":
            return person.email, person.email_ok
        return person.phone, person.sms_ok

    @property
    def _hold(self) -> timedelta:
        return timedelta(minutes=self.policy["hold_minutes"])

    def _others(self, letter: Letter) -> list[Letter]:
        return [
            one
            for one in self.letters.values()
            if one.guest_id == letter.guest_id and one.is_outreach and one is not letter
        ]

    def _this_week(self, letter: Letter) -> int:
        """Messages that reached the guest. What a person settled as not sent counts for nothing."""
        return sum(
            bool(one.accepted) and one.accepted[-1] > self.now - WEEK and one.state != "refused"
            for one in self._others(letter)
        )

    def _since_contact(
        self, letter: Letter, instants: Callable[[Letter], Sequence[datetime]]
    ) -> timedelta:
        past = [at for one in self._others(letter) for at in instants(one)]
        return self.now - max(past) if past else timedelta.max

    def is_open(self, zone: str, opens: time = time(9), closes: time = time(20)) -> bool:
        if zone not in available_timezones():
            return False
        local = [at.astimezone(ZoneInfo(zone)).time() for at in (self.now, self.now + MINUTE)]
        return all(opens <= at < closes for at in local)

    def leases_end(self) -> None:
        """Calls whose worker went away are no longer under way: nobody knows what came of them."""
        for letter in self.letters.values():
            if letter.state == "sending":
                letter.state = "unknown"

    # --- May it be approved? ------------------------------------------------------------------

    def refuses(self, paper: Paper, *, version: int, by: Staff) -> str:
        """Why an approval must fail, as the name of the error, the first that counts; "" when
        this book knows of nothing against it."""
        if paper.status != "pending" or paper.version != version or paper.expires_at <= self.now:
            return "Conflict"
        if not by.may_decide(paper.location_id) or not by.may_pay(paper.cost):
            return "NotAllowed"
        if self.policy["four_eyes_on_edits"] and by.id in paper.writers:
            return "NotAllowed"
        person = self.people[paper.guest_id]
        address, agreed = self._reach(person, paper.channel)
        if (
            (paper.channel, paper.address) in self.suppressed
            or person.vanished
            or not agreed
            or address != paper.address
            or paper.offer_id in self.offers_out
            or person.zone not in available_timezones()
        ):
            return "ChecksFailed"
        return ""


MINUTE = timedelta(minutes=1)


# --- Laying it out --------------------------------------------------------------------------------


def lay_out(start: datetime) -> World:
    """Two locations, seven guests, five who decide, three plays with an open draft for everybody
    who may be written to; a message to most is approved, two to one."""
    seed_library(by=None, now=start)
    Play.objects.update(quiet_days=0, draft_days=5)
    Offer.objects.update(plays=[], causes=[], plan_kinds=[], min_tenure_days=0)
    _copy_play()
    north = LocationFactory(name="North")
    south = LocationFactory(name="South", time_zone="America/Denver", region="CO")
    people = [
        _person(north),
        _person(north, first_name="Bea"),
        _person(north, first_name="Cleo", sms_marketing=False),  # e-mail
        _person(south, first_name="Dan", time_zone="America/Los_Angeles"),
        _person(south, first_name="Eve"),
        _person(south, first_name="Flo", time_zone="Mars/Olympus"),
        _person(north, held_out=True, first_name="Gus"),
    ]
    both = {north.pk, south.pk}
    staff = [
        _staff("manager", 5_000, {north.pk}),
        _staff("manager", 5_000, {north.pk, south.pk}),
        _staff("manager", 500, both),  # a limit below every offer
        _staff("regional", 20_000, both),
        _staff("admin", 0, set()),
    ]
    for place in (north, south):
        mirror_is_fresh(place, start)
    policy = OutreachPolicy.current()
    world = World(
        now=start,
        people={person.id: person for person in people},
        staff={one.id: one for one in staff},
        policy={
            name: getattr(policy, name)
            for name in ("hold_minutes", "weekly_cap", "four_eyes_on_edits")
        },
        fresh={place.pk: start for place in (north, south)},
        held_out={
            (person.id, play)
            for person in people
            for play in PLAYS
            if falls_into_holdout(play_key=play, guest_id=person.id, percent=10)
        },
    )
    for play in PLAYS:
        draft(world, play, list(world.people))
    by = User.objects.get(role="regional")
    for number, paper in enumerate(list(world.papers.values())):
        if number in (0, 1, 2, 3, 4, len(world.people)) and not world.refuses(
            paper, version=1, by=world.staff[by.pk]
        ):
            message = approve_draft(draft_id=paper.id, version=1, by=by, now=start, care=True)
            world.enter_approval(paper, message)
    return world


def _copy_play() -> None:
    for key in PLAYS[1:]:
        play = Play.objects.get(pk=AT_RISK)
        play.key, play.name = key, key
        play.save(force_insert=True)
        for template in Template.objects.filter(play_id=AT_RISK):
            template.pk, template.play_id = None, key
            template.slug = f"{key}-{template.slug}"[:60]
            template.save()


def _person(location: Location, *, held_out: bool = False, **fields: Any) -> Person:
    while True:
        guest: Guest = GuestFactory(location=location, **fields)
        if falls_into_holdout(play_key=AT_RISK, guest_id=guest.pk, percent=10) == held_out:
            break
        guest.delete()
    return Person(
        id=guest.pk,
        location_id=location.pk,
        membership_id=MembershipFactory(guest=guest).pk,
        phone=guest.phone,
        email=guest.email,
        zone=guest.time_zone or location.time_zone,
        sms_ok=guest.sms_marketing,
    )


def _staff(role: str, limit: int, locations: set[int]) -> Staff:
    user: User = UserFactory(
        role=role, approval_limit_cents=limit, locations=Location.objects.filter(pk__in=locations)
    )
    return Staff(user.pk, role, limit, set(locations))


def draft(world: World, play: str, guest_ids: Sequence[int]) -> list[Paper]:
    """Let the play draft for the guests; what came of it is entered in the book."""
    result = draft_for(
        play_key=play,
        candidates=[
            Candidate(
                guest_id=person.id,
                location_id=person.location_id,
                membership_id=person.membership_id,
                cause=play,  # one draft per guest and cause: three plays, three causes
                evidence=EVIDENCE | {"may_act": True},
                facts={"unused_credits": "3"},
            )
            for person in (world.people[guest_id] for guest_id in guest_ids)
        ],
        now=world.now,
    )
    made = [
        Paper(
            id=row.pk,
            guest_id=row.guest_id,
            location_id=row.location_id,
            play=row.play_id,
            channel=row.channel,
            address=row.address,
            subject=row.subject,
            body=row.body,
            library=(row.library_subject, row.library_body),
            cost=row.cost_cents,
            offer_id=row.offer_id,
            expires_at=row.expires_at,
            begun_at=world.now,
        )
        for row in Draft.objects.filter(pk__in=result.draft_ids).order_by("pk")
    ]
    world.papers |= {paper.id: paper for paper in made}
    return made
