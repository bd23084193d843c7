"""A message's whole life in any order: drafted, edited, approved, held, stopped, sent, lost, found,
answered, by a machine that tries what nobody would think of.

Beside the product runs a book in plain Python (`machine.world`). After each step the database must
say what the book says, and no call may ever have reached a carrier that the book forbids.

More and other examples: `make machine EXAMPLES=5000 STEPS=60`.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import Count, F, Max, Q
from hypothesis import HealthCheck, settings
from hypothesis import Phase as HPhase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from audit.formula import digest
from audit.models import LedgerEntry
from memberships.models import Guest, SyncCursor
from outreach import services
from outreach.autonomy import doubts
from outreach.errors import AlreadyLeft, CapReached, ChecksFailed, Conflict, OutreachError
from outreach.gate import breakers, conditions
from outreach.library import curation
from outreach.models import (
    Breaker,
    Cap,
    Draft,
    Message,
    Phase,
    Play,
    PlayPhase,
    Reply,
    Suppression,
    Template,
)
from outreach.sending import sender
from outreach.sequences import tending
from platforms import inbox, outbox
from platforms.models import OutboxItem
from staff.models import User
from tests.factories.outreach import EVIDENCE
from tests.outreach.machine.carrier import FATES, Carrier, Died
from tests.outreach.machine.world import (
    FRESH_FOR,
    PLAYS,
    Held,
    Letter,
    Paper,
    Trust,
    World,
    draft,
    lay_out,
)

# A Friday, 13:00 in New York; the clocks go back there two nights later.
START = datetime(2026, 10, 30, 17, tzinfo=UTC)
WAITS = [timedelta(minutes=m) for m in (1, 6, 20, 61)] + [
    timedelta(hours=h) for h in (5, 12, 23, 25)
] + [timedelta(days=d) for d in (3, 8)]  # fmt: skip
LIVE = {"ready", "sending", "unknown", "checking", "uncertain"}
# What a ledger entry says about the sending state of its message; None: as it was.
TOLD = {
    "message.begun": "sending",
    "message.held_back": "ready",
    "message.sent": "sent",
    "message.receipt": "sent",
    "message.refused": "refused",
    "message.postponed": "ready",
    "message.unknown": "unknown",
    "message.lost": "unknown",
    "message.uncertain": "uncertain",
    "message.given_up": "dead",
    "message.retried": "ready",
    "message.cancelled": "withdrawn",
}
ANSWERS = [
    "STOP", "please stop texting me", "START", "restart", "yes please", "can I bring my sister?",
]  # fmt: skip
FINDS = ["the truth", "the truth", "nothing", "no look-up"]
some = st.integers(min_value=0, max_value=999)


@dataclass(frozen=True)
class Tables:
    """What the invariants compare with the book."""

    drafts: list[Draft]
    messages: list[Message]
    caps: list[Cap]
    stops: list[Suppression]

    @classmethod
    def read(cls) -> Tables:
        return cls(
            list(Draft.objects.all()),
            list(Message.objects.select_related("outbox", "draft")),
            list(Cap.objects.all()),
            list(Suppression.objects.all()),
        )


class Outreach(RuleBasedStateMachine):
    """One example lives inside a savepoint on the world laid out once."""

    base: World
    done: Counter[str]  # what happened over all examples, so that nobody calls a still machine safe

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint()
        NUMBERS[0] = itertools.count(1_000)
        TIME.passed = 0.0
        self.world = deepcopy(self.base)
        self.carrier = CARRIERS[0] = Carrier(self.world)
        self.carrier.find_letter = self.world.letters.get
        self.ids = itertools.count(1)
        self.answers: list[tuple[str, str]] = []  # received, not read
        self.heads: dict[str, tuple[int, str]] = {}
        self.entries: list[tuple[str, str, str]] = []  # event, target, body
        self.read_until = 0
        self._tables: Tables | None = None
        self._readers: set[str] = set()

    @initialize(fates=st.lists(st.sampled_from(FATES), min_size=2, max_size=6))
    def begin(self, fates: list[str]) -> None:
        self.last_fates = fates

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._story_ends()
        finally:
            self.done.update(self.carrier.counts)
            transaction.savepoint_rollback(self.savepoint)

    def _story_ends(self) -> None:
        """Whatever was set up meets the carrier: once as things stand, once with all switches off
        and every answer read, and on a third day what went wrong is looked up."""
        fates = deque(self.last_fates)
        for finds in ("nothing", "the truth"):
            now = [fates.popleft() for _ in range(min(2, len(fates)))]
            self.noon_comes_with(now, finds)
            self.check_all()
            if self.answers:
                self.answers_are_read()
            self.resume_all()
        if self.knows("unknown", "sending", "ready"):
            self.noon_comes_with([], "the truth")
            self.check_all()

    def check_all(self) -> None:
        for check in self.invariants:
            check.function(self)

    # --- Picking ------------------------------------------------------------------------------

    def paper(self, pick: int, *statuses: str) -> Paper:
        fitting = [p for p in self.world.papers.values() if p.status in (statuses or STATUSES)]
        return fitting[pick % len(fitting)]

    def letter(self, pick: int, *states: str) -> Letter:
        fitting = [one for one in self.world.letters.values() if one.paper and one.state in states]
        return fitting[pick % len(fitting)]

    def user(self, pick: int) -> User:
        """Read afresh, as each request does."""
        return User.objects.get(pk=list(self.world.staff)[pick % len(self.world.staff)])

    def someone_who_may(self, location_id: int) -> User | None:
        able = [one.id for one in self.world.staff.values() if one.may_decide(location_id)]
        return User.objects.get(pk=able[0]) if able else None

    @property
    def regional(self) -> User:
        return User.objects.get(role="regional")

    def tell(self, what: str) -> None:
        self.done[what] += 1

    def knows(self, *states: str) -> bool:
        return any(one.paper and one.state in states for one in self.world.letters.values())

    def has(self, *statuses: str) -> bool:
        return any(paper.status in statuses for paper in self.world.papers.values())

    # --- Deciding -----------------------------------------------------------------------------

    @rule(play=st.sampled_from(PLAYS))
    def draft_anew(self, play: str) -> None:
        made = draft(self.world, play, list(self.world.people))
        if made:
            self.tell("drafted")

    @precondition(lambda self: self.has("pending"))
    @rule(pick=some, who=some, care=st.booleans())
    def approve(self, pick: int, who: int, care: bool) -> None:
        paper = self.paper(pick, "pending")
        self._approve(paper, version=paper.version, by=self.user(who), care=care)

    @rule(pick=some, who=some, behind=st.integers(1, 2))
    def approve_what_one_saw_before(self, pick: int, who: int, behind: int) -> None:
        paper = self.paper(pick)
        with pytest.raises(Conflict):
            services.approve_draft(
                draft_id=paper.id, version=paper.version - 1 - behind, by=self.user(who),
                now=self.world.now,
            )  # fmt: skip

    @precondition(lambda self: self.has("approved"))
    @rule(pick=some)
    def approve_twice(self, pick: int) -> None:
        """The same person presses twice: one approval."""
        paper = self.paper(pick, "approved")
        assert paper.letter is not None
        again = services.approve_draft(
            draft_id=paper.id, version=paper.version - 1,
            by=User.objects.get(pk=paper.letter.by), now=self.world.now,
        )  # fmt: skip
        assert again.pk == paper.letter.message_id

    def _approve(self, paper: Paper, *, version: int, by: User, care: bool) -> None:
        refusal = self.world.refuses(paper, version=version, by=self.world.staff[by.pk])
        try:
            message = services.approve_draft(
                draft_id=paper.id, version=version, by=by, now=self.world.now, care=care
            )
        except OutreachError as error:
            self._check_refusal(paper, refusal, error)
            return
        assert not refusal, f"{paper} was approved although {refusal}"
        self._enter(paper, message)

    def _check_refusal(self, paper: Paper, refusal: str, error: OutreachError) -> None:
        name = type(error).__name__
        self.tell(f"approval refused: {name}")
        if refusal:
            # Blocked for several reasons at once, any of them is a good answer.
            assert name in (refusal, "ChecksFailed"), (paper, refusal, error)
            return
        # Money and the week are the only other reasons in this world.
        if isinstance(error, ChecksFailed):
            assert {one.check for one in error.failed} <= {"cap"}, error
        else:
            assert name in ("NeedsCare", "CapReached"), error

    def _enter(self, paper: Paper, message: Message) -> None:
        """An approval into the book: what counts is what the paper said, not what was stored."""
        self.tell("approved with an offer" if paper.cost else "approved")
        self.world.enter_approval(paper, message)

    @precondition(lambda self: self.has("pending"))
    @rule(who=some, picks=st.lists(some, min_size=2, max_size=4))
    def approve_in_a_group(self, who: int, picks: list[int]) -> None:
        by = self.user(who)
        papers = list({p.id: p for p in (self.paper(pick, "pending") for pick in picks)}.values())
        refusals = {}
        for paper in papers:
            refusals[paper.id] = self.world.refuses(
                paper, version=paper.version, by=self.world.staff[by.pk]
            )
        changed = {p.id for p in papers if (p.subject, p.body) != p.library}
        approved, refused = services.approve_as_is(
            picks=[(paper.id, paper.version) for paper in papers], by=by, now=self.world.now
        )
        assert {message.draft_id for message in approved} | set(refused) == {p.id for p in papers}
        for message in approved:
            paper = self.world.papers[message.draft_id]
            assert not refusals[paper.id]
            assert paper.id not in changed, "changed words were approved in a group"
            self._enter(paper, message)

    @precondition(lambda self: self.has("pending"))
    @rule(pick=some, who=some, back=st.booleans())
    def edit(self, pick: int, who: int, back: bool) -> None:
        paper, by = self.paper(pick, "pending"), self.user(who)
        subject, body = paper.library if back else (paper.subject, f"{paper.body} Thank you.")
        allowed = self.world.staff[by.pk].may_decide(paper.location_id)
        try:
            services.edit_draft(
                draft_id=paper.id, version=paper.version, body=body, subject=subject, by=by,
                now=self.world.now,
            )  # fmt: skip
        except OutreachError:
            assert not allowed or paper.expires_at <= self.world.now
            return
        assert allowed
        if (subject, body) != (paper.subject, paper.body):
            self.tell("edited")
            paper.subject, paper.body = subject, body
            paper.version += 1
            paper.writers = paper.writers | {by.pk} if (subject, body) != paper.library else set()

    @precondition(lambda self: self.has("pending"))
    @rule(pick=some, who=some)
    def reject(self, pick: int, who: int) -> None:
        paper, by = self.paper(pick, "pending"), self.user(who)
        allowed = self.world.staff[by.pk].may_decide(paper.location_id)
        try:
            services.reject_draft(
                draft_id=paper.id, version=paper.version, reason="not_now", note="", by=by,
                now=self.world.now,
            )  # fmt: skip
        except OutreachError:
            assert not allowed or paper.expires_at <= self.world.now
            return
        assert allowed
        self.tell("rejected")
        paper.status, paper.version, paper.decided_at = (
            "rejected", paper.version + 1, self.world.now,
        )  # fmt: skip

    @precondition(lambda self: self.has("pending"))
    @rule(pick=some, who=some, wait=st.sampled_from(WAITS))
    def snooze(self, pick: int, who: int, wait: timedelta) -> None:
        paper, until = self.paper(pick, "pending"), self.world.now + wait
        try:
            services.snooze_draft(
                draft_id=paper.id, version=paper.version, until=until, by=self.user(who),
                now=self.world.now,
            )  # fmt: skip
        except OutreachError:
            return
        paper.version += 1
        paper.expires_at = max(paper.expires_at, until + timedelta(days=1))

    @precondition(lambda self: self.has("approved", "rejected"))
    @rule(pick=some)
    def undo(self, pick: int) -> None:
        paper = self.paper(pick, "approved", "rejected")
        by = self.someone_who_may(paper.location_id)
        if by is None:
            return
        letter = paper.letter
        newer = any(
            other.status == "pending"
            and (other.guest_id, other.play) == (paper.guest_id, paper.play)
            for other in self.world.papers.values()
        )
        late = paper.status == "rejected" and paper.decided_at < self.world.now - timedelta(hours=8)
        left = paper.status == "approved" and letter is not None and letter.state != "ready"
        try:
            services.undo_decision(draft_id=paper.id, by=by, now=self.world.now)
        except AlreadyLeft:
            assert left
            self.tell("undo came too late")
            return
        except Conflict:
            assert newer or late
            return
        assert not any((left, newer, late))
        self.tell(f"undone: {paper.status}")
        if paper.status == "approved" and letter is not None:
            letter.state = "withdrawn"
        paper.status, paper.letter, paper.decided_at = "pending", None, None
        paper.version += 1
        paper.expires_at = max(paper.expires_at, self.world.now + timedelta(days=1))

    @precondition(lambda self: self.knows(*STATES))
    @rule(pick=some)
    def cancel(self, pick: int) -> None:
        letter = self.letter(pick, *STATES)
        by = self.someone_who_may(letter.location_id)
        if by is None:
            return
        try:
            services.cancel_message(message_id=letter.message_id, by=by, now=self.world.now)
        except AlreadyLeft:
            assert letter.state not in ("ready", "withdrawn")
            return
        assert letter.state in ("ready", "withdrawn")
        if letter.state == "ready":
            assert letter.paper is not None
            self.tell("cancelled")
            letter.state = "withdrawn"
            letter.paper.status, letter.paper.version = "withdrawn", letter.paper.version + 1

    # --- Time and upkeep ----------------------------------------------------------------------

    @rule(
        wait=st.sampled_from(WAITS),
        read=st.booleans(),
        fates=st.lists(st.sampled_from(FATES), max_size=3),
        finds=st.sampled_from(FINDS),
    )
    def time_passes(self, wait: timedelta, read: bool, fates: list[str], finds: str) -> None:
        """And the background does what it does all the time. `read`: the mirror was read completely
        at the end of it."""
        self._go_to(self.world.now + wait, read=read, fates=fates, finds=finds)

    @rule(fates=st.lists(st.sampled_from(FATES), max_size=3), finds=st.sampled_from(FINDS))
    def noon_comes(self, fates: list[str], finds: str) -> None:
        self.noon_comes_with(fates, finds)

    def noon_comes_with(self, fates: list[str], finds: str) -> None:
        """13:30 or 14:30 in New York, of today or tomorrow, with the mirror fresh: most leaves."""
        noon = self.world.now.replace(hour=18, minute=30, second=0, microsecond=0)
        if noon <= self.world.now:
            noon += timedelta(days=1)
        self._go_to(noon, read=True, fates=fates, finds=finds)

    def _go_to(self, at: datetime, *, read: bool, fates: list[str], finds: str) -> None:
        self.world.now = at
        if read:
            self._read_mirror()
            if any(one.by_rule for one in self.world.letters.values()):
                self.somebody_watches()
        self._look_up(finds)
        self._dispatch(fates)

    def _read_mirror(self) -> None:
        SyncCursor.objects.update(complete_at=self.world.now)
        self.world.fresh = dict.fromkeys(self.world.fresh, self.world.now)

    @precondition(
        lambda self: any(
            paper.status == "pending" and paper.expires_at <= self.world.now
            for paper in self.world.papers.values()
        )
    )
    @rule()
    def expire(self) -> None:
        services.expire_drafts(now=self.world.now)
        for paper in self.world.papers.values():
            if paper.status == "pending" and paper.expires_at <= self.world.now:
                self.tell("expired")
                paper.status, paper.version = "expired", paper.version + 1

    @precondition(lambda self: self.has("pending"))
    @rule(picks=st.lists(some, min_size=1, max_size=2))
    def situation_is_over(self, picks: list[int]) -> None:
        self._withdraw([self.paper(pick) for pick in picks])

    def _withdraw(self, papers: list[Paper]) -> None:
        services.withdraw_drafts(
            draft_ids=sorted({paper.id for paper in papers}), reason="booked", now=self.world.now
        )
        for paper in papers:
            if paper.status == "pending":
                paper.status, paper.version = "withdrawn", paper.version + 1

    # --- Sending ------------------------------------------------------------------------------

    @rule(fates=st.lists(st.sampled_from(FATES), max_size=3))
    def send(self, fates: list[str]) -> None:
        self._dispatch(fates)

    def _dispatch(self, fates: list[str]) -> None:
        self.carrier.fates.extend(fates)
        try:
            sender.dispatch_due(now=self.world.now, limit=50)
        except Died:
            self.tell("a worker died in the call")
            return
        finally:
            self.carrier.fates.clear()
        self._nothing_free_is_left()

    @precondition(lambda self: self.knows("ready"))
    @rule(who=some, what=st.sampled_from(["stop", "reply"]), pick=some)
    def something_happens_between_claim_and_call(self, who: int, what: str, pick: int) -> None:
        letter = self.letter(pick, "ready")
        claim, claimed = outbox.claim, []

        def claim_slowly(**kwargs: Any) -> OutboxItem | None:
            item = claim(**kwargs)
            if item is not None:
                claimed.append(self.world.letters[str(item.pk)])
                if what == "stop":
                    self._stop("all", "", self.user(who))
                else:
                    self._reply(letter.guest_id, "STOP")
                TIME.passed += 0.06
            return item

        tries = {key: one.tries for key, one in self.world.letters.items()}
        outbox.claim = claim_slowly
        try:
            sender.dispatch_due(now=self.world.now, limit=1)
        finally:
            outbox.claim = claim
        for one in claimed:
            if one.tries == tries[one.outbox_id]:  # let go before the call: no try
                self.tell("held back")

    def _nothing_free_is_left(self) -> None:
        """What may leave has left: a gate that lets nothing through is no good either."""
        due = {
            str(pk)
            for pk in OutboxItem.objects.filter(
                state="ready", due_at__lte=self.world.now
            ).values_list("pk", flat=True)
        }
        for letter in self.world.letters.values():
            assert not (
                letter.is_outreach and letter.outbox_id in due and self.world.surely_free(letter)
            ), (conditions.held_reasons([letter.message_id], now=self.world.now), letter)

    @precondition(lambda self: self.knows("unknown", "sending"))
    @rule(finds=st.sampled_from(FINDS))
    def look_up(self, finds: str) -> None:
        self._look_up(finds)

    def _look_up(self, finds: str) -> None:
        self.carrier.finds = finds
        for letter in self.world.letters.values():
            if letter.state == "sending" and self.world.now > letter.calls[-1] + sender.LEASE:
                letter.state = "unknown"
        asked = sender.check_unknown(now=self.world.now)
        if asked:
            self.tell(f"looked up: {finds}")

    @precondition(lambda self: self.knows("uncertain"))
    @rule(pick=some, honest=st.booleans(), verdict=st.booleans())
    def settle(self, pick: int, honest: bool, verdict: bool) -> None:
        letter = self.letter(pick, "uncertain")
        by = self.someone_who_may(letter.location_id)
        if by is None:
            return
        was_sent = bool(letter.accepted) if honest else verdict
        services.settle_uncertain(
            message_id=letter.message_id, was_sent=was_sent, by=by, now=self.world.now
        )
        self.tell("settled")
        letter.state = "sent" if was_sent else "refused"

    @precondition(lambda self: self.knows("dead"))
    @rule(pick=some)
    def retry(self, pick: int) -> None:
        letter = self.letter(pick, "dead")
        by = self.someone_who_may(letter.location_id)
        if by is None:
            return
        try:
            services.retry_message(message_id=letter.message_id, by=by, now=self.world.now)
        except CapReached:
            return
        self.tell("retried")
        letter.state, letter.tries = "ready", 0

    @precondition(lambda self: self.knows("ready"))
    @rule(fate=st.sampled_from(["busy", "lost before", "lost after", "accepted"]))
    def carrier_stays_away(self, fate: str) -> None:
        """All but the last try were in vain: now it is given up, or a person is asked."""
        for letter in self.world.letters.values():
            if letter.state == "ready" and letter.tries < outbox.MAX_TRIES - 1:
                letter.tries = outbox.MAX_TRIES - 1
        OutboxItem.objects.filter(state="ready", tries__lt=outbox.MAX_TRIES - 1).update(
            tries=outbox.MAX_TRIES - 1
        )
        self._dispatch([fate] * 4)

    # --- Rules and switches -------------------------------------------------------------------

    @rule(
        change=st.sampled_from(
            [
                {"hold_minutes": 1}, {"hold_minutes": 60}, {"hold_minutes": 2_880},
                {"weekly_cap": 1}, {"weekly_cap": 2}, {"weekly_cap": 14},
                {"four_eyes_on_edits": False}, {"four_eyes_on_edits": True},
                {"location_day_cents": 1_000}, {"location_day_cents": 30_000},
                {"play_month_cents": 2_000}, {"business_month_cents": 3_000},
            ]
        )
    )  # fmt: skip
    def rules_change(self, change: dict[str, Any]) -> None:
        curation.change_policy(data=change, by=self.regional, now=self.world.now)
        self.world.policy |= {k: v for k, v in change.items() if k in self.world.policy}

    @rule(who=some, scope=st.sampled_from(["all", "location", "play", "channel"]), pick=some)
    def stop(self, who: int, scope: str, pick: int) -> None:
        keys = {
            "all": [""],
            "location": [str(place) for place in self.world.fresh],
            "play": PLAYS,
            "channel": ["sms", "email"],
        }[scope]
        self._stop(scope, keys[pick % len(keys)], self.user(who))

    def _stop(self, scope: str, key: str, by: User) -> None:
        staff = self.world.staff[by.pk]
        try:
            services.stop_sending(scope=scope, key=key, reason="", by=by, now=self.world.now)
        except OutreachError:
            assert not staff.active or (scope == "location" and not staff.serves(int(key)))
            return
        self.tell(f"stopped: {scope}")
        self.world.switches.add((scope, key))

    @precondition(lambda self: self.world.switches)
    @rule()
    def resume_all(self) -> None:
        for scope, key in sorted(self.world.switches):
            services.resume_sending(
                scope=scope, key=key, reason="found it", by=self.regional, now=self.world.now
            )
        self.world.switches.clear()

    @rule(play=st.sampled_from(PLAYS), pick=some, only=st.booleans())
    def phase_moves(self, play: str, pick: int, only: bool) -> None:
        place = list(self.world.fresh)[pick % len(self.world.fresh)]
        PlayPhase.objects.update_or_create(
            play_id=play, location_id=place,
            defaults={
                "phase": Phase.REPORT if only else Phase.REVIEW, "since_at": self.world.now,
            },
        )  # fmt: skip
        self.world.trusted.pop((play, place), None)
        if only:
            self.world.reporting.add((play, place))
        else:
            self.world.reporting.discard((play, place))

    # --- By itself ----------------------------------------------------------------------------

    @rule(
        play=st.sampled_from(PLAYS[1:]),  # the sequence begins once per guest
        pick=some,
        least_p=st.sampled_from([0.2, 0.2, 0.9]),
        most_cost=st.sampled_from([0, 10_000]),
        then=st.sampled_from(["", "acts", "acts and is doubted"]),
    )
    def play_is_trusted(
        self, play: str, pick: int, least_p: float, most_cost: int, then: str
    ) -> None:
        """A regional manager lets the play act by itself at a location. Whom it would have written
        to is drafted for anew: a trusted play decides on nothing older."""
        place = list(self.world.fresh)[pick % len(self.world.fresh)]
        terms = {
            "name": "sure", "min_p": least_p, "min_visits": 0, "visit_days": 30,
            "max_cost_cents": most_cost,
        }  # fmt: skip
        PlayPhase.objects.update_or_create(
            play_id=play, location_id=place,
            defaults={
                "phase": Phase.AUTOMATIC, "since_at": self.world.now, "rules": [terms],
                "set_by": self.regional,
            },
        )  # fmt: skip
        self.world.reporting.discard((play, place))
        self.world.trusted[play, place] = Trust(self.world.now, least_p, most_cost)
        self._withdraw([p for p in self.world.papers.values() if p.play == play])
        self.draft_anew(play)
        if then:
            self.rules_approve(doubt="")
        if then == "acts and is doubted":
            self.rules_approve(doubt="The ledger is not as it was written")

    @precondition(lambda self: self.world.trusted)
    @rule(doubt=st.sampled_from(["", "", "", "The ledger is not as it was written"]))
    def rules_approve(self, doubt: str) -> None:
        """What every minute does: doubts lower, then the rules take what they may."""
        DOUBT[0] = doubt
        try:
            services.approve_by_rules(now=self.world.now)
        finally:
            DOUBT[0] = ""
        self._look_at_what_is_usual()
        self._note_lowered(doubt)
        taken = Message.objects.filter(is_automatic=True).exclude(
            outbox_id__in=self.world.letters.keys()
        )
        regional = self.world.staff[self.regional.pk]
        for message in taken.order_by("pk"):
            paper = self.world.papers[message.draft_id]
            trust = self.world.trusted[paper.play, paper.location_id]
            assert not self.world.refuses(paper, version=1, by=regional), paper
            assert paper.begun_at >= trust.since, paper
            assert paper.cost <= trust.most_cost, paper
            assert trust.least_p <= P, paper
            assert (paper.subject, paper.body) == paper.library, paper
            assert not paper.writers, paper
            self.tell("approved by rule")
            self.world.enter_approval(paper, message)

    def _note_lowered(self, doubt: str) -> None:
        """What went down by itself went down for a reason; what it had approved and nobody was
        sending is a person's again."""
        up = PlayPhase.objects.filter(phase=Phase.AUTOMATIC).values_list("play", "location")
        for pair in self.world.trusted.keys() - set(up):
            old = self.world.now - self.world.fresh[pair[1]] >= FRESH_FOR
            assert doubt or old or self.world.held, f"{pair} went down for nothing"
            del self.world.trusted[pair]
            self.tell("lowered by itself")
        assert not (doubt and self.world.trusted)
        recalled = Draft.objects.filter(
            status="pending", pk__in=[p.id for p in self.world.papers.values() if p.letter]
        )
        for draft_id in recalled.values_list("pk", flat=True):
            paper = self.world.papers[draft_id]
            assert paper.letter is not None
            assert paper.letter.by_rule
            assert paper.letter.state == "ready"
            assert (paper.play, paper.location_id) not in self.world.trusted
            self.tell("recalled")
            paper.letter.state = "withdrawn"
            paper.status, paper.letter, paper.decided_at = "pending", None, None
            paper.version += 1
            paper.expires_at = max(paper.expires_at, self.world.now + timedelta(days=1))

    @rule(
        play=st.sampled_from([*PLAYS, None]), pick=some,
        tries=st.sampled_from([0, 1, 1]), everywhere=st.booleans(),
    )  # fmt: skip
    def something_is_not_as_usual(
        self, play: str | None, pick: int, tries: int, everywhere: bool
    ) -> None:
        place = list(self.world.fresh)[pick % len(self.world.fresh)]
        if everywhere:
            play = None
        Breaker.objects.update_or_create(
            play_id=play, location_id=None if everywhere else place,
            signal=Breaker.Signal.STOPS,
            defaults={
                "state": Breaker.State.HALF_OPEN if tries else Breaker.State.OPEN,
                "evaluated_at": self.world.now, "changed_at": self.world.now,
                "counts_from_at": self.world.now, "probes_left": tries,
                "round": next(self.ids), "tries_at": self.world.now + timedelta(days=30),
            },
        )  # fmt: skip
        self._look_at_what_is_usual()

    @rule()
    def somebody_watches(self) -> None:
        breakers.look(now=self.world.now)
        self._look_at_what_is_usual()

    def _look_at_what_is_usual(self) -> None:
        """What the breakers decide is proved elsewhere; here, that the gate obeys them."""
        looks = Breaker.objects.filter(location=None).values_list("evaluated_at", flat=True)
        if len(looks) >= len(breakers.FOR_EVERYTHING):
            self.world.watched_at = min(looks)
        self.world.held = [
            Held(one.pk, one.round, one.play_id, one.location_id, one.probes_left + one.used)
            for one in Breaker.objects.exclude(state=Breaker.State.CLOSED).annotate(
                used=Count("probes", filter=Q(probes__round=F("round")))
            )
        ]

    @rule(pick=some)
    def offer_is_retired(self, pick: int) -> None:
        offers = sorted({p.offer_id for p in self.world.papers.values() if p.offer_id})
        if not offers:
            return
        offer_id = offers[pick % len(offers)]
        gone = offer_id in self.world.offers_out
        curation.set_offer_status(
            offer_id=offer_id, status="active" if gone else "retired", by=self.regional,
            now=self.world.now,
        )  # fmt: skip
        self.world.offers_out ^= {offer_id}

    @rule(pick=some, percent=st.sampled_from([0, 10, 50]))
    def text_is_retired(self, pick: int, percent: int) -> None:
        """And the comparison groups change in size, which moves nobody who was drawn before."""
        Play.objects.update(holdout_percent=percent)
        rows = list(Template.objects.filter(status="active").order_by("pk")[:4])
        curation.set_template_status(
            template_id=rows[pick % len(rows)].pk, status="retired", by=self.regional,
            now=self.world.now,
        )  # fmt: skip

    # --- The guest ----------------------------------------------------------------------------

    @rule(
        pick=some, words=st.sampled_from(ANSWERS), at_once=st.booleans(), hint=st.booleans()
    )  # fmt: skip
    def guest_answers(self, pick: int, words: str, at_once: bool, hint: bool = True) -> None:
        people = list(self.world.people)
        self._reply(people[pick % len(people)], words)
        if at_once:
            self.answers_are_read(hint=hint)

    def _reply(self, guest_id: int, words: str) -> None:
        """What the webhook does; the worker comes later."""
        phone = self.world.people[guest_id].phone
        sid = f"IN{next(self.ids)}"
        inbox.receive(
            connection="sms-inbound", delivery_id=sid, sender=phone, now=self.world.now,
            body=urlencode({"MessageSid": sid, "From": phone, "Body": words}).encode(),
        )  # fmt: skip
        self.answers.append((phone, words))
        self.world.unread[phone] += 1

    @precondition(lambda self: self.answers)
    @rule(hint=st.booleans())
    def answers_are_read(self, hint: bool = True) -> None:
        """`hint`: the task that ends sequences runs at once; else the gate alone holds."""
        assert inbox.work_through(now=self.world.now) == {"done": len(self.answers)}
        for phone, words in self.answers:
            self.tell(f"answered: {words.split()[0]}")
            if "stop" in words.lower():
                self.world.suppressed.add(("sms", phone))
            elif words in ("START", "restart"):
                self.world.suppressed.discard(("sms", phone))
        self.answers.clear()
        self.world.unread.clear()
        self.world.answered = dict(
            Reply.objects.exclude(guest=None)
            .order_by("guest")
            .values_list("guest")
            .annotate(last=Max("received_at"))
        )
        if hint:
            tending.leave_with_news(guest_ids=list(self.world.answered), now=self.world.now)
        self._note_withdrawals()
        self._note_confirmations()

    def _note_withdrawals(self) -> None:
        """A sequence ends when the guest answers: what waits of it is taken back, no more."""
        gone = set(Draft.objects.filter(status="withdrawn").values_list("pk", flat=True))
        for paper in self.world.papers.values():
            if paper.id not in gone or paper.status == "withdrawn":
                continue
            assert paper.status in ("pending", "approved")
            if paper.letter is not None:
                assert paper.letter.state == "ready"
                paper.letter.state = "withdrawn"
            self.tell("left its sequence")
            paper.status, paper.version = "withdrawn", paper.version + 1

    def _note_confirmations(self) -> None:
        for message in Message.objects.filter(purpose="confirmation"):
            self.world.letters.setdefault(
                str(message.outbox_id),
                Letter(
                    outbox_id=str(message.outbox_id), message_id=message.pk,
                    guest_id=message.guest_id, location_id=message.location_id, play="",
                    channel=message.channel, to=message.address, subject=message.subject,
                    body=message.body, cost=0, by=None, paper=None,
                ),
            )  # fmt: skip

    @rule(pick=some, channel=st.sampled_from(["sms", "email"]))
    def staff_notes_a_stop(self, pick: int, channel: str) -> None:
        people = list(self.world.people.values())
        person = people[pick % len(people)]
        address = person.phone if channel == "sms" else person.email
        services.suppress(
            channel=channel, address=address, source="staff", reason="said so at the desk",
            now=self.world.now, guest_id=person.id, location_id=person.location_id,
        )  # fmt: skip
        self.world.suppressed.add((channel, address))

    @rule(pick=some, what=st.sampled_from(["sms", "email", "gone", "phone"]), back=st.booleans())
    def mirror_brings_news(self, pick: int, what: str, back: bool) -> None:
        people = list(self.world.people.values())
        person = people[pick % len(people)]
        if what == "sms":
            person.sms_ok = back
        elif what == "email":
            person.email_ok = back
        elif what == "gone":
            person.vanished = not back
        else:
            original = self.base.people[person.id].phone
            person.phone = original if back else original[:-4] + "9999"
        Guest.objects.filter(pk=person.id).update(
            sms_marketing=person.sms_ok,
            email_marketing=person.email_ok,
            vanished_at=self.world.now if person.vanished else None,
            phone=person.phone,
        )
        services.recheck_drafts(guest_ids=[person.id], now=self.world.now)

    @rule(pick=some, what=st.sampled_from(["leaves", "moves", "limit", "desk", "back"]))
    def staff_changes(self, pick: int, what: str) -> None:
        """The regional manager stays, so that somebody can undo what the others did."""
        ids = [one.id for one in self.world.staff.values() if one.role != "regional"]
        staff = self.world.staff[ids[pick % len(ids)]]
        was = self.base.staff[staff.id]
        if what == "leaves":
            staff.active = False
        elif what == "moves":
            staff.locations = set()
        elif what == "limit":
            staff.limit = 0
        elif what == "desk":
            staff.role = "desk"
        else:
            staff.active, staff.role, staff.limit, staff.locations = (
                True, was.role, was.limit, set(was.locations),
            )  # fmt: skip
        user = User.objects.get(pk=staff.id)
        user.is_active, user.role, user.approval_limit_cents = (
            staff.active, staff.role, staff.limit,
        )  # fmt: skip
        user.save()
        user.locations.set(staff.locations)

    # --- What must hold after every step ------------------------------------------------------

    # Calls: what the carrier noted while it was called.

    @invariant()
    def only_approved_messages_reach_a_carrier(self) -> None:
        assert self.carrier.wrongs["approved"] == []

    @invariant()
    def bytes_sent_are_bytes_approved(self) -> None:
        assert self.carrier.wrongs["bytes"] == []

    @invariant()
    def no_guest_gets_a_message_twice(self) -> None:
        assert self.carrier.wrongs["once"] == []

    @invariant()
    def nothing_leaves_while_anything_speaks_against_it(self) -> None:
        """Stop, opt-out, consent, address, hours, hold period, week, phase...: World.forbids."""
        assert self.carrier.wrongs["allowed"] == []

    @invariant()
    def only_who_is_unknown_is_looked_up_and_only_who_is_ready_is_called(self) -> None:
        assert self.carrier.wrongs["state"] == []

    # Drafts.

    @invariant()
    def drafts_say_what_was_written_and_decided(self) -> None:
        rows = self.tables("drafts").drafts
        assert len(rows) == len(self.world.papers)
        for row in rows:
            paper = self.world.papers[row.pk]
            assert (row.status, row.subject, row.body, row.address, row.cost_cents) == (
                paper.status, paper.subject, paper.body, paper.address, paper.cost,
            ), paper  # fmt: skip
            assert row.version >= paper.version  # a booking or an answer wakes a snoozed draft
            paper.version = row.version

    @invariant()
    def who_changed_a_text_stays_known(self) -> None:
        for row in self.tables("writers").drafts:
            assert set(row.writers) == self.world.papers[row.pk].writers

    @invariant()
    def who_decided_stands_exactly_while_a_decision_stands(self) -> None:
        for row in self.tables("decided").drafts:
            paper = self.world.papers[row.pk]
            assert (row.decided_by_id is not None) == paper.is_decided, paper

    @invariant()
    def a_guest_has_one_open_draft_of_a_play(self) -> None:
        pending = Counter(
            (row.guest_id, row.play_id)
            for row in self.tables("open").drafts
            if row.status == "pending"
        )
        assert max(pending.values(), default=0) <= 1

    # Messages and money.

    @invariant()
    def messages_stand_where_the_book_has_them(self) -> None:
        rows = self.tables("messages").messages
        assert len(rows) == len(self.world.letters)
        for row in rows:
            letter = self.world.letters[str(row.outbox_id)]
            assert (row.outbox.state, row.outbox.tries) == (letter.state, letter.tries), letter

    @invariant()
    def what_waits_says_what_was_approved(self) -> None:
        for row in self.tables("payload").messages:
            letter = self.world.letters[str(row.outbox_id)]
            assert row.outbox.payload == {
                "to": letter.to, "subject": letter.subject, "body": letter.body,
            }  # fmt: skip

    @invariant()
    def nothing_is_under_way_for_a_draft_that_is_not_approved(self) -> None:
        for row in self.tables("under way").messages:
            letter = self.world.letters[str(row.outbox_id)]
            if row.outbox.state in LIVE and letter.paper is not None:
                assert letter.paper.status == "approved"
                assert letter.paper.letter is letter
                assert row.outbox.approval == row.draft.approval_hash

    @invariant()
    def nobody_in_a_comparison_group_has_a_message(self) -> None:
        for row in self.tables("arms").messages:
            assert (row.guest_id, row.play_id) not in self.world.held_out

    @invariant()
    def each_message_holds_the_money_its_state_asks_for(self) -> None:
        for row in self.tables("reservations").messages:
            letter = self.world.letters[str(row.outbox_id)]
            assert row.reservation == letter.money, letter

    @invariant()
    def limits_hold_what_messages_owe_and_are_never_passed(self) -> None:
        owed: Counter[str] = Counter()
        for letter in self.world.letters.values():
            owed[letter.money] += letter.cost
        used: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for cap in self.tables("caps").caps:
            assert 0 <= cap.reserved_cents + cap.spent_cents <= cap.limit_cents
            used[cap.scope].update(reserved=cap.reserved_cents, posted=cap.spent_cents)
        for scope, sums in used.items():
            assert (sums["reserved"], sums["posted"]) == (owed["reserved"], owed["posted"]), scope

    # Stops.

    @invariant()
    def who_said_stop_is_suppressed_and_nobody_else(self) -> None:
        active = {
            (one.channel, one.address) for one in self.tables("stops").stops if not one.lifted_at
        }
        assert active == self.world.suppressed

    @invariant()
    def a_stop_is_confirmed_once(self) -> None:
        confirmations = Counter(one.to for one in self.world.letters.values() if not one.paper)
        said = Counter(one.address for one in self.tables("confirmed").stops)
        assert all(count <= said[to] for to, count in confirmations.items())

    # The ledger.

    @invariant()
    def the_ledger_has_no_gap_and_every_hash_is_right(self) -> None:
        self._read_ledger()

    @invariant()
    def the_ledger_tells_every_decision_that_stands(self) -> None:
        self._read_ledger()
        decisions: Counter[str] = Counter()
        for event, target, _ in self.entries:
            if event in ("draft.approved", "draft.approved_by_rule", "draft.rejected"):
                decisions[target] += 1
            elif event in ("draft.undone", "draft.recalled"):
                decisions[target] -= 1
        for paper in self.world.papers.values():
            assert decisions[str(paper.id)] == paper.is_decided, paper

    @invariant()
    def the_ledger_tells_where_every_message_stands(self) -> None:
        self._read_ledger()
        told: dict[str, str] = {}
        for event, target, body in self.entries:
            if event == "message.settled":
                told[target] = "refused" if "not sent" in body else "sent"
            elif event in TOLD:
                told[target] = TOLD[event]
        for letter in self.world.letters.values():
            said = told.get(str(letter.message_id), "ready")
            if letter.state == "withdrawn":
                continue  # by a cancellation or by taking the decision back
            assert said == letter.state, (letter, said)

    def tables(self, reader: str) -> Tables:
        """The database as it stands after this step, read once: who asks a second time stands
        after the next step."""
        if self._tables is None or reader in self._readers:
            self._tables, self._readers = Tables.read(), set()
        self._readers.add(reader)
        return self._tables

    def _read_ledger(self) -> None:
        """Walk the chains on from where the last step ended."""
        fresh = LedgerEntry.objects.filter(pk__gt=self.read_until).order_by("pk")
        for pk, chain, seq, prev, found, body, event, target_type, target in fresh.values_list(
            "pk", "chain", "seq", "prev", "hash", "body", "event", "target_type", "target_id"
        ):
            assert (seq - 1, prev) == self.heads.get(chain, (seq - 1, prev)), "a gap in the ledger"
            assert found == digest(chain=chain, seq=seq, prev=prev, body=body)
            self.heads[chain] = (seq, found)
            self.read_until = pk
            if target_type in ("outreach.draft", "outreach.message"):
                self.entries.append((event, target, body))


STATUSES = ("pending", "approved", "rejected", "expired", "withdrawn")
STATES = ("ready", "sending", "sent", "refused", "unknown", "uncertain", "dead", "withdrawn")
MUST_HAPPEN = [
    *FATES,
    "drafted",
    "looked up: the truth",
    "approved with an offer",
]
CARRIERS: list[Carrier] = [None]  # type: ignore[list-item]
DOUBT = [""]  # what the quick look at the ledger would say
P: float = EVIDENCE["p"]
NUMBERS: list[Iterator[int]] = [itertools.count(1)]
TIME = SimpleNamespace(passed=0.0)


@pytest.fixture
def machine(db: None, monkeypatch: pytest.MonkeyPatch) -> type[Outreach]:
    NUMBERS[0] = itertools.count(1)
    # Ties between messages due at once are broken by their ids: the same in every run.
    monkeypatch.setattr(
        OutboxItem._meta.get_field("id"), "_get_default",
        lambda: UUID(int=int(hashlib.sha256(b"%d" % next(NUMBERS[0])).hexdigest()[:32], 16)),
        raising=False,
    )  # fmt: skip
    for module in (sender, conditions, outbox):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: TIME.passed))
    monkeypatch.setattr(sender.sms, "send", lambda **call: CARRIERS[0].send_sms(**call))
    monkeypatch.setattr(sender.email, "send", lambda **call: CARRIERS[0].send_email(**call))
    for carrier in (sender.sms, sender.email):
        monkeypatch.setattr(carrier, "look_up", lambda *, key: CARRIERS[0].look_up(key=key))
    monkeypatch.setattr(doubts.health, "fault", lambda *, now: DOUBT[0])
    Outreach.base = lay_out(START)
    Outreach.done = Counter()
    return Outreach


def test_no_order_of_events_breaks_a_rule(machine: type[Outreach]) -> None:
    examples = os.environ.get("MACHINE_EXAMPLES")
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(examples or 200),
            stateful_step_count=int(os.environ.get("MACHINE_STEPS", "9")),
            derandomize=examples is None,  # in CI the same examples each time
            database=None,
            phases=[HPhase.generate],  # shrinking a failure takes many minutes
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    # A machine in which nothing happens proves nothing.
    missing = [what for what in MUST_HAPPEN if not machine.done[what]]
    assert not missing, (missing, machine.done)


def test_a_play_acts_by_itself_until_something_is_in_doubt(machine: type[Outreach]) -> None:
    """What random orders meet too rarely to be counted on, told on purpose."""
    story = machine()
    story.last_fates = []
    # Who is held out changes with the guests' numbers: one place may find nobody to write to.
    places = [(play, place) for play in PLAYS[1:] for place in range(2)]
    for play, place in places:
        if not machine.done["recalled"]:
            story.play_is_trusted(play, place, 0.2, 10_000, "acts and is doubted")
            story.check_all()
    for play, place in places:
        story.play_is_trusted(play, place, 0.2, 10_000, "acts")
        story.check_all()
    story.world.now += timedelta(minutes=1)
    story.guest_answers(0, "yes please", at_once=True, hint=True)
    story.check_all()
    story.teardown()
    for what in ("approved by rule", "lowered by itself", "recalled", "left its sequence"):
        assert machine.done[what], (what, machine.done)
