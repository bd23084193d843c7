"""The answers a person may send to a guest: library texts, filled from the mirror, the one for what
the guest wrote first. Nothing here sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import phonenumbers
from django.conf import settings
from django.db.models import Sum

from memberships.models import Appointment, Guest, Location, Membership
from outreach.models import LibraryStatus, Reply, Template, Thread
from outreach.reading import intents, topics
from outreach.texts.fields import day_in_words, field_names, fill

LANGUAGES = ("en", "es")


@dataclass(frozen=True)
class Facts:
    """What the texts may say about a guest, from the mirror. Local dates are the location's."""

    guest: Guest
    location: Location
    membership: Membership | None
    credits: int
    next_booking: Appointment | None
    today: date

    @classmethod
    def of(cls, guest: Guest, location: Location, *, now: datetime) -> Facts:
        """Three queries."""
        membership = (
            Membership.objects.running()
            .filter(guest=guest)
            .select_related("plan")
            .order_by("-started_on", "-pk")
            .first()
        )
        left = (
            membership.benefits.filter(balance__gt=0).aggregate(left=Sum("balance"))["left"]
            if membership
            else 0
        )
        booking = (
            Appointment.objects.coming()
            .filter(guest=guest, starts_at__gt=now, vanished_at__isnull=True)
            .select_related("location")
            .order_by("starts_at")
            .first()
        )
        return cls(guest, location, membership, left or 0, booking, location.today(now))

    def values(self, language: str) -> dict[str, str]:
        """Values of the named fields in a language; a missing one has no entry."""
        values = {
            "first_name": self.guest.first_name,
            "business": settings.BUSINESS_NAME,
            "postal_address": settings.POSTAL_ADDRESS,
            "location": self.location.name,
            "location_phone": national(self.location.phone, self.location.country),
        }
        if self.membership is not None:
            values["plan"] = self.membership.plan.name
            values["unused_credits"] = str(self.credits) if self.credits else ""
            renews_on = self._renews_on(self.membership)
            if renews_on is not None:
                values["renews_on"] = day_in_words(renews_on, language)
        if self.next_booking is not None:
            at = self.next_booking.starts_at.astimezone(self.next_booking.location.zone)
            values["starts_at"] = f"{day_in_words(at.date(), language)}, {at:%H:%M}"
        return {name: value for name, value in values.items() if value}

    def _renews_on(self, membership: Membership) -> date | None:
        """The next day of payment, else the end of the term. A day that has passed (a payment that
        failed stays due) is none, and who has asked to cancel does not renew."""
        if membership.cancel_requested_on is not None:
            return None
        days = (membership.next_charge_on, membership.ends_on)
        return next((day for day in days if day is not None and day >= self.today), None)


def national(number: str, country: str) -> str:
    """A number as people of the country write it."""
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)


@dataclass(frozen=True)
class Suggested:
    """A library text with its fields filled."""

    template: Template
    text: str


def library_answers(channel: str) -> list[Template]:
    """The answers in use for a channel. One query."""
    return list(
        Template.objects.filter(
            status=LibraryStatus.ACTIVE, play__isnull=True, channel=channel
        ).order_by("slug")
    )


def filled(templates: Sequence[Template], facts: Facts) -> list[Suggested]:
    """The texts whose fields are all known, in every language."""
    values = {language: facts.values(language) for language in LANGUAGES}
    found = []
    for template in templates:
        known = values.get(template.language, values["en"])
        if all(known.get(name) for name in field_names(template.body)):
            found.append(Suggested(template, fill(template.body, known)))
    return found


def in_language(found: Sequence[Suggested], language: str) -> list[Suggested]:
    """The texts of a language; English where there are none."""
    for wanted in (language, "en"):
        chosen = [one for one in found if one.template.language == wanted]
        if chosen:
            return chosen
    return []


def best(thread: Thread, found: Sequence[Suggested], last: Reply | None) -> Suggested | None:
    """The text for what the guest wrote; None where a person should find the words."""
    if last is None or not thread.topic or last.answer_id is not None:
        return None
    about = topics.read(last.body, intents.read(last.body))
    if about.topic != thread.topic or not about.suggests:
        return None
    return next((one for one in found if one.template.topic == thread.topic), None)


def language_of(guest: Guest, last: Reply | None) -> str:
    """The language the guest wrote in, else the one the platform knows, else English."""
    wrote = topics.read(last.body, intents.read(last.body)).language if last else ""
    known = "es" if guest.language.lower().startswith("es") else "en"
    return wrote or known
