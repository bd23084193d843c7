"""One round of drafting: what it reads about all candidates at once, who may be written to, and the
offer and text each of them gets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings

from memberships.models import Guest, Location, Membership
from outreach import checks, reply_address
from outreach.autonomy import shadows
from outreach.drafting.candidates import (
    ALREADY_OPEN,
    LATELY,
    NOT_PRESENT,
    REPORT_ONLY,
    SAME_REASON,
    SUPPRESSED,
    UNDER_WAY,
    UNREACHABLE,
    Candidate,
)
from outreach.models import (
    Channel,
    Contact,
    Draft,
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
from outreach.texts import treatments
from outreach.texts.fields import day_in_words, field_names, fill, sms_size
from outreach.texts.normal import without_accents
from outreach.texts.text_checks import MAX_SMS_PARTS, is_ours

if TYPE_CHECKING:
    from staff.models import User


@dataclass
class Round:
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
    def read(cls, *, play: Play, candidates: Sequence[Candidate], now: datetime) -> Round:
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
            **reply_address.ways(language=language, phone=location.phone),
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
                # A text in English may serve where there is none in the guest's language.
                spoken |= reply_address.ways(language=template.language, phone=location.phone)
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
            tenure = (
                self.locations[candidate.location_id].today(self.now) - membership.started_on
            ).days
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
