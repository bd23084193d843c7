"""What is looked at before an answer leaves: the words of a person or of the library, to one guest
who wrote.

An answer is a conversation, so times and days may be named freely; what costs money or could hurt
may not: amounts, percentages, gifts, links, numbers to ring, claims about the body and other
guests' names are held to the library and the mirror.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q

from memberships.models import Guest, Location, Plan, Service, Therapist
from outreach import checks
from outreach.answers import suggestions
from outreach.answers.suggestions import Facts
from outreach.models import Channel, OutreachPolicy, Reply, Suppression, Template, Thread
from outreach.results import Check, bad, good
from outreach.texts import treatments, wording
from outreach.texts.normal import plain
from outreach.texts.text_checks import Text, check_text, without_phone

if TYPE_CHECKING:
    from staff.models import User

# Of the checks of every text, those that bind talk as well; numbers, benefits and names are looked
# at here in their own way, and an answer needs no line about the way out.
AS_EVERY_TEXT = {"missing field", "characters", "sender", "clinical claim", "links", "length"}
# Talk about a price, or about what a member has already: no promise.
TALK = {"price", "prices", "priced", "precio", "precios"}
OWN_MATTERS = {
    "credit", "credits", "pause", "paused", "pausing", "freeze", "freezing", "points",
    "credito", "creditos", "saldo", "pausa", "pausas", "pausar", "congelar", "puntos",
}  # fmt: skip
_MONEY_WORDS = re.compile(r"\b(?:dollars?|dolares|dolar|bucks?|usd|euros?|pesos|cents|centavos)\b")
_TIME = re.compile(r"\b\d{1,2}:\d{2}\b")
# No number of a phone is shorter here; two times of day are eight digits.
SHORTEST_PHONE = 9


@dataclass(frozen=True)
class AnswerText:
    """The words of an answer with what they may lean on."""

    thread: Thread
    guest: Guest
    location: Location
    facts: Facts
    body: str
    subject: str
    by: User
    template: Template | None  # the library text these words are, filled

    @property
    def is_library(self) -> bool:
        return self.template is not None

    @classmethod
    def of(cls, thread: Thread, *, body: str, by: User, now: datetime) -> AnswerText:
        """The thread has its guest and location. Raises ValueError when it has none."""
        if thread.guest is None or thread.location is None:
            raise ValueError("An answer goes to a guest of a location.")
        facts = Facts.of(thread.guest, thread.location, now=now)
        found = suggestions.filled(suggestions.library_answers(thread.channel), facts)
        template = next((one.template for one in found if one.text == body), None)
        subject = ""
        if thread.channel == Channel.EMAIL:
            subject = _subject(thread, template)
        return cls(thread, thread.guest, thread.location, facts, body, subject, by, template)

    def as_text(self) -> Text:
        """The same for the checks of every text: what it may repeat is the library text it is, or
        what the mirror says of the guest and the place."""
        facts = {**self.facts.values("es"), **self.facts.values("en")}
        facts.pop("business", None)
        known = " \n ".join(
            [*facts.values(), self.location.email, self.location.phone, self.by.get_full_name()]
        )
        return Text(
            channel=self.thread.channel,
            subject="",
            body=self.body,
            library_subject="",
            library_body=self.body if self.is_library else known,
            first_name=self.guest.first_name,
            guest_name=self.guest.name,
            location=self.location.name,
            location_phone=self.location.phone,
        )


def _subject(thread: Thread, template: Template | None) -> str:
    """An answer by e-mail keeps the subject it answers."""
    if template is not None and template.subject:
        return template.subject
    last = thread.last_reply
    asked = last.message.subject if last is not None and last.message is not None else ""
    asked = asked.removeprefix("Re: ") or thread.location.name if thread.location else asked
    return f"Re: {asked}"[:160]


def check(text: AnswerText) -> list[Check]:
    """All checks of one answer. At most nine queries."""
    words = text.as_text()
    return [
        _may_write(text),
        *(found for found in check_text(words) if found.check in AS_EVERY_TEXT),
        _name(text),
        _others(text, words),
        _amounts(text),
        _gifts(text, words),
        _treatments(text),
        _numbers_to_ring(text, words),
        _haste(words),
    ]


def _may_write(text: AnswerText) -> Check:
    """A stop binds answers too; and a guest who is gone is not written to."""
    name = "opt-out"
    if text.guest.vanished_at is not None or text.guest.merged_into_id is not None:
        return bad(name, "This guest is no longer in the booking platform.")
    if silent := why_silent(text.thread):
        return bad(name, silent)
    return good(name, "May be answered")


def why_silent(thread: Thread) -> str:
    """Why the guest cannot be answered in writing on this channel, with what to do instead; empty
    when they can."""
    stop = Suppression.objects.filter(
        channel=thread.channel, address=thread.address, lifted_at__isnull=True
    ).first()
    if stop is None:
        return ""
    if stop.source == Suppression.Source.CARRIER:
        return f"Nothing more goes to this address: {stop.reason}. Ring the guest instead."
    return f"Said stop to {thread.get_channel_display()}. Ring the guest instead."


def _name(text: AnswerText) -> Check:
    """Another guest's name is refused; one nobody has here may be a nickname."""
    name = "name"
    own = plain(text.guest.first_name)
    greeted = wording.GREETING.match(text.body)
    said = greeted.group(1) if greeted else ""
    if not said[:1].isupper() or plain(said) in (own, own.split(" ")[0]):
        return good(name, f"Speaks to {text.guest.first_name or text.guest.name}")
    is_other = Guest.objects.filter(location=text.location, first_name__iexact=said).exists()
    return bad(
        name,
        f"The answer speaks to {said}, the guest is {text.guest.name}. Correct the name.",
        blocks=is_other,
    )


def _others(text: AnswerText, words: Text) -> Check:
    """Names of other guests that are not those of staff: a slip of the wrong thread."""
    name = "other guests"
    added = words.added_names()
    met = set(checks.foreign_names({text.location.pk: added}).get(text.location.pk, ()))
    if met:
        staff = Therapist.objects.filter(Q(location=text.location) | Q(location__isnull=True))
        met -= {
            word for full in staff.values_list("name", flat=True) for word in plain(full).split()
        }
        met -= set(plain(text.by.get_full_name()).split())
    if met:
        shown = ", ".join(sorted(word.title() for word in met))
        return bad(
            name,
            f"{shown} may be another guest. Take the name out, or send it knowingly.",
            blocks=False,
        )
    return good(name, "None named")


def _cents(amount: str) -> int | None:
    try:
        return int(Decimal(amount.replace(",", ".")) * 100)
    except (InvalidOperation, ValueError):
        return None


def _amounts(text: AnswerText) -> Check:
    """Money is a price of the catalogue or the guest's own; percentages are offers, and offers
    pass through review."""
    name = "amounts"
    if text.is_library:
        return good(name, "Library text")
    said = plain(text.body)
    percent = wording.PERCENTS.search(said) or wording.PERCENT_SIGNS.search(said)
    if percent:
        return bad(name, f"{percent.group(0)} is an offer. Take it out, or draft the offer.")
    amounts = {
        found.group(0): _cents(next(g for g in found.groups() if g is not None))
        for found in wording.MONEY.finditer(said)
    }
    rest = wording.MONEY.sub("", said)
    loose = wording.CURRENCY.search(rest) or _MONEY_WORDS.search(rest)
    if loose:
        return bad(name, f"“{loose.group(0)}” without a plain amount. Write it as $89.")
    if not amounts:
        return good(name, "None")
    asked = [cents for cents in amounts.values() if cents is not None]
    prices = set(
        Service.objects.filter(price_cents__in=asked).values_list("price_cents", flat=True)
    )
    prices |= set(
        Plan.objects.filter(price_cents__in=asked, is_on_sale=True).values_list(
            "price_cents", flat=True
        )
    )
    own = text.facts.membership
    if own is not None:
        prices |= {cents for cents in (own.price_cents, own.next_charge_cents) if cents}
    for words, cents in amounts.items():
        if cents not in prices:
            return bad(name, f"{words} is no price of the catalogue. Correct it or take it out.")
    return good(name, "Prices of the catalogue")


def _gifts(text: AnswerText, words: Text) -> Check:
    name = "benefit"
    if text.is_library:
        return good(name, "Library text")
    known = Counter(wording.BENEFIT.findall(words.known))
    free = TALK | (OWN_MATTERS if text.facts.membership is not None else set())
    for view in words.views:
        over = Counter(wording.BENEFIT.findall(view)) - known
        promised = next((word for word in over if word not in free), "")
        if promised:
            return bad(
                name,
                f"“{promised}” promises something. Take it out, or draft an offer from the "
                "member's page.",
            )
    pictures = [c for c in text.body if c in wording.BENEFIT_EMOJI]
    if pictures:
        return bad(name, f"{pictures[0]} promises something. Take it out.")
    return good(name, "Promises nothing")


def _treatments(text: AnswerText) -> Check:
    """A text names no treatment but one the guest named herself in this conversation: who asks
    about her facial has put the word on her own screen, any other may still give her away."""
    if text.thread.channel != Channel.SMS or text.is_library:
        return good(treatments.NAME, "May be named here")
    if OutreachPolicy.current().treatment_names_in_sms:
        return good(treatments.NAME, "May be named here")
    found = treatments.added_in_answer(
        text.body,
        Reply.objects.filter(thread=text.thread).values_list("body", flat=True),
        treatments.catalogue_names(),
        house=f"{settings.BUSINESS_NAME}\n{text.location.name}",
    )
    if found:
        return bad(
            treatments.NAME,
            f"A text message may not name a treatment the guest has not named (“{found}”): others "
            "may read it. Say “your visit”, or ring the guest.",
        )
    return good(treatments.NAME, "None but the guest's own words")


def _numbers_to_ring(text: AnswerText, words: Text) -> Check:
    """Numbers lead to us, and no text asks for a word that means stop."""
    name = "numbers to ring"
    said = without_phone(plain(text.body), text.location.phone)
    said = _TIME.sub(" and ", wording.digits_in_words(said))
    for found in wording.PHONES.finditer(said):
        if len(re.sub(r"\D", "", found.group())) >= SHORTEST_PHONE:
            return bad(name, f"{found.group()} is no number of {text.location}. Take it out.")
    if any(wording.TRAPS.search(view) for view in words.views):
        return bad(name, "It asks for a word that means stop. Ask for something else.")
    return good(name, "Only ours")


def _haste(words: Text) -> Check:
    """Haste, threats and questions for secrets are looked at twice."""
    name = "pressure"
    if words.is_library:
        return good(name, "Library text")
    found = next((f for view in words.views for f in [wording.PRESSURE.search(view)] if f), None)
    if found:
        return bad(name, f"“{found.group(0)}” may press or frighten. Ask instead.", blocks=False)
    return good(name, "None")
