"""From candidates of a play to drafts with offer, text and evidence, for a person to decide.

Set-based: the number of queries does not grow with the number of candidates. Every candidate ends
as a draft, in the comparison group, or in a counter that says why not. Where a play only reports,
what would have become a draft is recorded and nothing else (shadows.py).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction

from audit import services as audit
from audit.services import Entry
from memberships.models import Guest, Location, Membership
from outreach import approval, checks, events, shadows, treatments
from outreach.models import (
    Channel,
    Contact,
    Draft,
    Holdout,
    LibraryStatus,
    Message,
    Offer,
    OutreachPolicy,
    Phase,
    Play,
    PlayPhase,
    Run,
    ShadowDraft,
    Step,
    Suppression,
    Template,
)
from outreach.normal import without_accents
from outreach.text_checks import MAX_SMS_PARTS, is_ours
from outreach.texts import field_names, fill, sms_size

if TYPE_CHECKING:
    from staff.models import User

BATCH = 1_000


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One guest a play wants to write to, with what the draft is made from.

    `facts` are values for the named fields of the texts (outreach.texts.FIELDS): plain words or
    numbers, never text a guest wrote. `evidence` is stored as it is and shown to the reviewer:
    score, band, reasons (list of sentences, the strongest first), model, as_of.

    `run_id` and `step` are set for a later step of a sequence: it is asked neither whether the
    guest was written to lately nor for room within the daily limit, since the first step was.
    """

    guest_id: int
    location_id: int
    membership_id: int | None = None
    appointment_id: int | None = None
    cause: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    run_id: int | None = None
    step: int = 1


@dataclass
class DraftingResult:
    """What became of the candidates. `skipped` counts by reason, in words for staff;
    `skipped_guests` has the reason of each."""

    drafted: int = 0
    held_out: int = 0
    recorded: int = 0  # would have been drafted, where the play only reports
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_guests: dict[int, str] = field(default_factory=dict)
    draft_ids: list[int] = field(default_factory=list)

    def skip(self, guest_id: int, reason: str) -> None:
        """Pass a candidate over."""
        self.skipped[reason] += 1
        self.skipped_guests[guest_id] = reason

    def counts(self) -> dict[str, int]:
        """Flat counts for a job run."""
        return {
            "drafted": self.drafted,
            "held_out": self.held_out,
            "recorded": self.recorded,
            **{f"skipped: {reason}": count for reason, count in sorted(self.skipped.items())},
        }


NOT_PRESENT = "no longer in the platform"
REPORT_ONLY = "report only at this location"
ALREADY_OPEN = "already has a draft of this play"
UNDER_WAY = "already in a sequence of this play"
SAME_REASON = "another play has a draft for the same reason"
LATELY = "written to lately"
UNREACHABLE = "no consent or no address"
SUPPRESSED = "said stop"
DAILY_LIMIT = "daily limit reached"
NO_TEXT = "no text in the library fits"


@transaction.atomic
def draft_for(
    *,
    play_key: str,
    candidates: Sequence[Candidate],
    by: User | None = None,
    now: datetime,
) -> DraftingResult:
    """Draft for the candidates, in their order, up to the play's daily limit per location.

    A person who asks for drafts (`by`) passes neither the comparison group nor a stop, but is not
    bound by the daily limit. Where the play only reports, the night records what it would have
    drafted, and nobody can ask. Raises Play.DoesNotExist.
    """
    result = DraftingResult()
    play = Play.objects.get(pk=play_key)
    # One drafting at a time: limits and open drafts are counted, then added to. One lock for all
    # plays, since a guest has one draft for a reason whichever play asks, and a lock per location
    # would miss the guest who is a member here and books there.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('drafting'))")
    chosen = _once_per_guest(candidates)
    round_ = _Round.read(play=play, candidates=chosen, now=now)
    entries: list[Entry] = []

    able: list[tuple[Candidate, Guest, str]] = []
    for candidate in chosen:
        reason, channel = round_.why_not(candidate, asked=by is not None)
        if reason:
            result.skip(candidate.guest_id, reason)
        else:
            able.append((candidate, round_.guests[candidate.guest_id], channel))

    # Drawn only among those who could be written to: both arms are then the same kind of guest.
    # Where nothing is sent there is no experiment yet: the same draw, but no arm is stored.
    held_out, new_arms = draw_arms(
        play=play,
        guest_ids=[c.guest_id for c, _, _ in able if not round_.only_reports(c)],
        now=now,
    )
    drafts: list[Draft] = []
    unsent: list[Draft] = []
    for candidate, guest, channel in able:
        if candidate.guest_id in held_out:
            result.held_out += 1
            if candidate.guest_id in new_arms:
                entries.append(
                    Entry(
                        event=events.GUEST_HELD_OUT,
                        at=now,
                        location_id=candidate.location_id,
                        guest_id=candidate.guest_id,
                        detail={"play": play.pk},
                    )
                )
            continue
        is_first = candidate.run_id is None
        if by is None and is_first and round_.today[candidate.location_id] >= play.daily_limit:
            result.skip(candidate.guest_id, DAILY_LIMIT)
            continue
        draft = round_.compose(candidate, guest, channel, by=by)
        if draft is None:
            result.skip(candidate.guest_id, NO_TEXT)
            continue
        round_.today[candidate.location_id] += is_first
        (unsent if round_.only_reports(candidate) else drafts).append(draft)

    looked_at = drafts + unsent
    for draft, results in zip(looked_at, checks.check_drafts(looked_at, now=now), strict=True):
        checks.apply(draft, results)
    result.recorded = shadows.record(
        unsent,
        play=play,
        held_out=_would_be_held_out(play, [draft.guest_id for draft in unsent]),
        now=now,
    )
    # A decision taken back in this moment may have reopened a draft: then that one stands.
    Draft.objects.bulk_create(drafts, batch_size=BATCH, ignore_conflicts=True)
    made = list(
        Draft.objects.filter(
            play=play,
            created_at=now,
            guest_id__in=[draft.guest_id for draft in drafts],
            status=Draft.Status.PENDING,
        ).order_by("pk")
    )
    result.drafted = len(made)
    result.draft_ids = [draft.pk for draft in made]
    for guest_id in {d.guest_id for d in drafts} - {d.guest_id for d in made}:
        result.skip(guest_id, ALREADY_OPEN)
    by_guest = {candidate.guest_id: candidate for candidate in chosen}
    entries += _begin_runs(made, by_guest, round_) if round_.goes_on else []
    _take_step([draft for draft in made if draft.run_id and (draft.step or 0) > 1], now=now)
    entries += [
        Entry(
            event=events.DRAFT_CREATED,
            at=now,
            by=by,
            location_id=draft.location_id,
            guest_id=draft.guest_id,
            target=draft,
            detail={
                "play": play.pk,
                "run": draft.run_id,
                "step": draft.step,
                "channel": draft.channel,
                "template": draft.template_id,
                "offer": draft.offer_id,
                "cost_cents": draft.cost_cents,
                "cause": draft.evidence.get("cause", ""),
                "score": draft.evidence.get("score"),
                "model": draft.evidence.get("model"),
                "evidence": approval.evidence_hash(draft),
                "hash": approval.approval_hash(draft, version=draft.version),
                "group": draft.group,
                "failed": [check["check"] for check in draft.checks if not check["ok"]],
            },
        )
        for draft in made
    ]
    audit.record_many(entries)
    return result


def _once_per_guest(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The first candidate of each guest."""
    seen: dict[int, Candidate] = {}
    for candidate in candidates:
        seen.setdefault(candidate.guest_id, candidate)
    return list(seen.values())


# --- Sequences ----------------------------------------------------------------------------------


def _begin_runs(
    made: Sequence[Draft], by_guest: dict[int, Candidate], round_: _Round
) -> list[Entry]:
    """The first drafts of a play with further steps each begin a run. Returns ledger entries."""
    first = [draft for draft in made if draft.run_id is None]
    runs = Run.objects.bulk_create(
        [
            Run(
                guest_id=draft.guest_id,
                play=round_.play,
                location_id=draft.location_id,
                membership_id=draft.membership_id,
                appointment_id=draft.appointment_id,
                step=1,
                steps_total=max(round_.steps),
                begun_at=round_.now,
                started_at=round_.now,
                cause=by_guest[draft.guest_id].cause,
                evidence=by_guest[draft.guest_id].evidence,
                facts=by_guest[draft.guest_id].facts,
                ended_before_on=(
                    contract.ends_on
                    if (contract := round_.memberships.get(draft.membership_id or 0))
                    else None
                ),
            )
            for draft in first
        ],
        batch_size=BATCH,
    )
    for draft, run in zip(first, runs, strict=True):
        draft.run, draft.step = run, 1
    Draft.objects.bulk_update(first, ["run", "step"], batch_size=BATCH)
    return [
        Entry(
            event=events.SEQUENCE_BEGUN,
            at=round_.now,
            location_id=run.location_id,
            guest_id=run.guest_id,
            target=run,
            detail={"play": run.play_id, "step": 1},
        )
        for run in runs
    ]


def _take_step(drafts: Sequence[Draft], *, now: datetime) -> None:
    """The runs of these drafts are at the drafted step and await its end. One statement a step."""
    by_step: dict[int, list[int]] = {}
    for draft in drafts:
        by_step.setdefault(draft.step or 1, []).append(draft.run_id or 0)
    for step, run_ids in by_step.items():
        Run.objects.filter(pk__in=run_ids).update(
            step=step, begun_at=now, next_at=None, leased_until=None
        )


# --- The comparison group -----------------------------------------------------------------------


def falls_into_holdout(*, play_key: str, guest_id: int, percent: int) -> bool:
    """The draw: a stable hash of play and guest, so that it is the same on every machine."""
    digest = hashlib.sha256(f"holdout:{play_key}:{guest_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 10_000 < percent * 100


def draw_arms(*, play: Play, guest_ids: Sequence[int], now: datetime) -> tuple[set[int], set[int]]:
    """Put each guest into an arm of the play's experiment, once and for good.

    Returns the guests held out, and those drawn just now. A changed percentage moves nobody.
    """
    stored = dict(
        Holdout.objects.filter(play=play, guest_id__in=guest_ids).values_list(
            "guest_id", "is_held_out"
        )
    )
    fresh = {
        guest_id: falls_into_holdout(
            play_key=play.pk, guest_id=guest_id, percent=play.holdout_percent
        )
        for guest_id in guest_ids
        if guest_id not in stored
    }
    Holdout.objects.bulk_create(
        [
            Holdout(play=play, guest_id=guest_id, is_held_out=held, assigned_at=now)
            for guest_id, held in fresh.items()
        ],
        batch_size=BATCH,
        ignore_conflicts=True,
    )
    arms = {**fresh, **stored}
    return {guest_id for guest_id, held in arms.items() if held}, set(fresh)


def _would_be_held_out(play: Play, guest_ids: Sequence[int]) -> set[int]:
    """Who would be left alone: by the arm that is stored, else by the draw."""
    if not guest_ids:
        return set()
    stored = dict(
        Holdout.objects.filter(play=play, guest_id__in=guest_ids).values_list(
            "guest_id", "is_held_out"
        )
    )
    return {
        guest_id
        for guest_id in guest_ids
        if stored.get(
            guest_id,
            falls_into_holdout(play_key=play.pk, guest_id=guest_id, percent=play.holdout_percent),
        )
    }


# --- One round of drafting ----------------------------------------------------------------------


@dataclass
class _Round:
    """What one round of drafting read, and the choices made from it."""

    play: Play
    now: datetime
    locations: dict[int, Location]
    guests: dict[int, Guest]
    memberships: dict[int, Membership]
    phases: dict[int, str]
    steps: dict[int, Step]
    open_guests: set[int]
    open_causes: set[tuple[int, str]]  # (guest, cause) of open drafts of other plays
    under_way: set[int]
    used: dict[int, set[str]]
    lately: set[int]
    recorded: set[tuple[int, int]]  # (location, guest) of what would have been sent lately
    suppressed: set[tuple[str, str]]
    today: Counter[int]
    offers: list[Offer]
    offered: dict[tuple[int, int], datetime]
    policy: OutreachPolicy
    authorised: set[int]  # guests who authorised offers that others pay for
    templates: list[Template]

    @classmethod
    def read(cls, *, play: Play, candidates: Sequence[Candidate], now: datetime) -> _Round:
        policy = OutreachPolicy.current()
        guest_ids = [candidate.guest_id for candidate in candidates]
        locations = Location.objects.in_bulk({candidate.location_id for candidate in candidates})
        present = Guest.objects.present().select_related("contact")
        guests = {guest.pk: guest for guest in present.filter(pk__in=guest_ids)}
        addresses = {address for g in guests.values() for address in (g.phone, g.email) if address}
        offers = list(
            Offer.objects.filter(status=LibraryStatus.ACTIVE).order_by("rank", "cost_cents", "pk")
        )
        # Local midnights differ by less than a day: two days of drafts hold every local today.
        recent = Draft.objects.filter(
            play=play,
            location_id__in=locations,
            created_at__gt=now - timedelta(days=2),
            requested_by__isnull=True,
        ).exclude(step__gt=1)
        today: Counter[int] = Counter(
            location_id
            for location_id, created_at in [
                *recent.values_list("location_id", "created_at"),
                *shadows.since(now - timedelta(days=2), play=play, location_ids=locations),
            ]
            if locations[location_id].today(created_at) == locations[location_id].today(now)
        )
        since = now - timedelta(days=max([o.again_after_days for o in offers], default=0))
        offered = {
            (guest_id, offer_id): at
            for guest_id, offer_id, at in Message.objects.filter(
                guest_id__in=guest_ids,
                draft__offer__isnull=False,
                outbox__state__in=checks.COUNTING,
                approved_at__gt=since,
            )
            .order_by("approved_at")
            .values_list("guest_id", "draft__offer_id", "approved_at")
        }
        waiting = list(
            Draft.objects.open()
            .filter(guest_id__in=guest_ids)
            .values_list("play_id", "guest_id", "evidence__cause")
        )
        return cls(
            play=play,
            now=now,
            locations=locations,
            guests=guests,
            memberships={
                row.pk: row
                for row in Membership.objects.filter(
                    pk__in=[c.membership_id for c in candidates if c.membership_id]
                ).select_related("plan")
            },
            phases=dict(
                PlayPhase.objects.filter(play=play, location_id__in=locations).values_list(
                    "location_id", "phase"
                )
            ),
            steps={step.number: step for step in play.steps.filter(is_active=True)},
            under_way=set(
                Run.objects.under_way()
                .filter(play=play, guest_id__in=guest_ids)
                .values_list("guest_id", flat=True)
            ),
            used=_used_texts([c.run_id for c in candidates if c.run_id]),
            open_guests={guest_id for key, guest_id, _ in waiting if key == play.pk},
            open_causes={(guest_id, cause) for key, guest_id, cause in waiting if key != play.pk},
            lately=_turned_to_lately(play, guest_ids, now),
            recorded=_recorded_lately(play, guest_ids, now),
            suppressed=set(
                Suppression.objects.binding(
                    is_marketing=play.is_marketing,
                    everything=policy.stop_ends_everything(now),
                )
                .filter(address__in=addresses)
                .values_list("channel", "address")
            ),
            today=today,
            offers=offers,
            offered=offered,
            policy=policy,
            authorised=checks.authorised(
                guest_ids if any(offer.paid_by_manufacturer for offer in offers) else ()
            ),
            templates=list(
                Template.objects.filter(play=play, status=LibraryStatus.ACTIVE).order_by("slug")
            ),
        )

    @property
    def goes_on(self) -> bool:
        """Whether the play has steps beyond its first message."""
        return any(number > 1 for number in self.steps)

    def only_reports(self, candidate: Candidate) -> bool:
        """Whether the play records here what it would have sent, and sends nothing."""
        return self.phases.get(candidate.location_id) == Phase.REPORT

    def why_not(self, candidate: Candidate, *, asked: bool) -> tuple[str, str]:
        """Why the candidate gets no draft, in words for staff ("" when it may), and the channel."""
        guest = self.guests.get(candidate.guest_id)
        if guest is None:
            return NOT_PRESENT, ""
        if self.only_reports(candidate):
            if asked or candidate.run_id is not None:
                return REPORT_ONLY, ""
            if (candidate.location_id, guest.pk) in self.recorded:
                return LATELY, ""
        if guest.pk in self.open_guests:
            return ALREADY_OPEN, ""
        if candidate.cause and (guest.pk, candidate.cause) in self.open_causes:
            return SAME_REASON, ""
        if candidate.run_id is None and guest.pk in self.under_way:
            return UNDER_WAY, ""
        if candidate.run_id is None and guest.pk in self.lately:
            return LATELY, ""
        stopped = False
        step = self.steps.get(candidate.step)
        preferred = step.channel if step else ""
        for channel in sorted(Channel, key=lambda one: one.value != preferred):
            address = checks.address_of(guest, channel)
            if not address or not checks.has_consent(
                guest, channel, is_marketing=self.play.is_marketing
            ):
                continue
            if (channel.value, address) in self.suppressed:
                stopped = True
                continue
            return "", channel.value
        return (SUPPRESSED if stopped else UNREACHABLE), ""

    def compose(
        self, candidate: Candidate, guest: Guest, channel: str, *, by: User | None
    ) -> Draft | None:
        """The draft for one guest, or None when no text of the library fits."""
        language = "es" if guest.language.lower().startswith("es") else "en"
        location = self.locations[candidate.location_id]
        values = {
            **{name: str(value) for name, value in candidate.facts.items() if value},
            "first_name": guest.first_name,
            "business": settings.BUSINESS_NAME,
            "postal_address": settings.POSTAL_ADDRESS,
            "location": location.name,
            "location_phone": location.phone,
            # A link that is none of ours is never filled in: the text without it serves.
            "payment_link": settings.PAYMENT_LINK if is_ours(settings.PAYMENT_LINK) else "",
        }
        membership = self.memberships.get(candidate.membership_id or 0)
        if membership is not None:
            values.setdefault("plan", membership.plan.name)
        if channel == Channel.SMS and not self.policy.treatment_names_in_sms:
            values = treatments.speakable(values)
        for offer in self._eligible_offers(candidate, membership, values):
            spoken = dict(values)
            if offer.wording:
                spoken["offer"] = fill(offer.wording_in(language), values)
                until_on = location.today(self.now) + timedelta(days=offer.valid_days)
                spoken["offer_until"] = day_in_words(until_on, language)
            template = self._template(candidate, channel, language, spoken)
            if template is not None:
                return self._draft(
                    candidate, guest, channel, offer=offer, template=template, values=spoken, by=by
                )
        return None

    def _eligible_offers(
        self, candidate: Candidate, membership: Membership | None, values: dict[str, str]
    ) -> list[Offer]:
        """Offers this guest may get, the best for the cause first: those made for the cause, by
        rank; then those for any cause."""
        step = self.steps.get(candidate.step)
        offers = [
            o for o in self.offers if step is None or step.with_offer or o.kind == Offer.Kind.NONE
        ]
        eligible = [o for o in offers if self._may_have(o, candidate, membership, values)]
        return [o for o in eligible if o.causes] + [o for o in eligible if not o.causes]

    def _may_have(
        self,
        offer: Offer,
        candidate: Candidate,
        membership: Membership | None,
        values: dict[str, str],
    ) -> bool:
        if offer.plays and self.play.pk not in offer.plays:
            return False
        if offer.causes and candidate.cause not in offer.causes:
            return False
        if offer.paid_by_manufacturer and candidate.guest_id not in self.authorised:
            return False
        if offer.plan_kinds and (
            membership is None or membership.plan.kind not in offer.plan_kinds
        ):
            return False
        if offer.min_tenure_days:
            if membership is None:
                return False
            tenure = (self.now.date() - membership.started_on).days
            if tenure < offer.min_tenure_days:
                return False
        offered_at = self.offered.get((candidate.guest_id, offer.pk))
        if offered_at and self.now - offered_at < timedelta(days=offer.again_after_days):
            return False
        return all(values.get(name) for name in field_names(offer.wording))

    def _template(
        self, candidate: Candidate, channel: str, language: str, values: dict[str, str]
    ) -> Template | None:
        """The text for cause, channel and language: the guest's language before English, a text
        for the cause before a general one. A text that needs a value nobody has is passed over.
        A step with texts of its own takes no other, and no text comes twice in one run."""
        wants_offer = "offer" in values
        step = self.steps.get(candidate.step)
        causes = (step.cause,) if step and step.cause else (candidate.cause, "")
        used = self.used.get(candidate.run_id or 0, set())

        def fits(template: Template) -> bool:
            names = field_names(template.subject) + field_names(template.body)
            return (
                ("offer" in names) == wants_offer
                and all(values.get(name) for name in names)
                and template.slug not in used
            )

        for tongue in dict.fromkeys((language, "en")):
            for wanted_cause in dict.fromkeys(causes):
                for template in self.templates:
                    if (
                        template.channel == channel
                        and template.language == tongue
                        and template.cause == wanted_cause
                        and fits(template)
                    ):
                        return template
        return None

    def _draft(
        self,
        candidate: Candidate,
        guest: Guest,
        channel: str,
        *,
        offer: Offer,
        template: Template,
        values: dict[str, str],
        by: User | None,
    ) -> Draft:
        names = dict.fromkeys(field_names(template.subject) + field_names(template.body))
        if channel == Channel.SMS and _too_long(fill(template.body, values)):
            # A letter of the name that the plain SMS alphabet lacks (í, ó) more than doubles the
            # parts: rather without its accent than not at all.
            values = {**values, "first_name": without_accents(values["first_name"])}
        # What the offer's wording names is kept too, for the check of treatment names.
        named = [name for name in treatments.FIELDS if name in field_names(offer.wording)]
        subject, body = fill(template.subject, values), fill(template.body, values)
        has_offer = offer.kind != Offer.Kind.NONE
        return Draft(
            guest=guest,
            location=self.locations[candidate.location_id],
            membership_id=candidate.membership_id,
            appointment_id=candidate.appointment_id,
            play=self.play,
            run_id=candidate.run_id,
            step=candidate.step if candidate.run_id else None,
            channel=channel,
            address=checks.address_of(guest, channel),
            template=template,
            offer=offer if has_offer else None,
            offer_terms={**offer.terms(), "wording": values["offer"]} if has_offer else {},
            cost_cents=offer.cost_cents if has_offer else 0,
            subject=subject[:160],
            body=body,
            library_subject=subject[:160],
            library_body=body,
            fields={name: values[name] for name in [*names, *named]},
            evidence={**candidate.evidence, "cause": candidate.cause},
            created_at=self.now,
            expires_at=self.now + timedelta(days=self.play.draft_days),
            requested_by=by,
        )


def _too_long(text: str) -> bool:
    size = sms_size(text)
    return size.is_unicode and size.parts > MAX_SMS_PARTS


def _used_texts(run_ids: Sequence[int]) -> dict[int, set[str]]:
    """The texts each run's drafts were made from so far."""
    used: dict[int, set[str]] = {}
    for run_id, slug in Draft.objects.filter(run__in=run_ids).values_list(
        "run_id", "template__slug"
    ):
        used.setdefault(run_id, set()).add(slug)
    return used


def _turned_to_lately(play: Play, guest_ids: Sequence[int], now: datetime) -> set[int]:
    """Guests this play has turned to within its quiet days, sent or rejected, and guests any
    message reached within the last week."""
    since = now - timedelta(days=play.quiet_days)
    handled = Draft.objects.filter(
        play=play,
        guest_id__in=guest_ids,
        status__in=[Draft.Status.APPROVED, Draft.Status.REJECTED],
        decided_at__gt=since,
    ).values_list("guest_id", flat=True)
    reached = Contact.objects.filter(
        guest_id__in=guest_ids, last_at__gt=now - timedelta(days=7)
    ).values_list("guest_id", flat=True)
    return set(handled) | set(reached)


def _recorded_lately(play: Play, guest_ids: Sequence[int], now: datetime) -> set[tuple[int, int]]:
    """Whom the play would have written to within its quiet days, by location."""
    return set(
        ShadowDraft.objects.filter(
            play=play, guest_id__in=guest_ids, at__gt=now - timedelta(days=play.quiet_days)
        ).values_list("location_id", "guest_id")
    )


MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "es": ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
}


def day_in_words(on: date, language: str) -> str:
    """A date as a message says it: 20 Dec, or 20 de dic."""
    month = MONTHS[language][on.month - 1]
    return f"{on.day} de {month}" if language == "es" else f"{on.day} {month}"
