"""Filling approved texts: plain named fields, no expressions; how a day is said; and what a text
costs as SMS."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from outreach.errors import BadTemplate

# Every field a template may name, and what it stands for on the settings page.
FIELDS: dict[str, str] = {
    "first_name": "the guest's first name",
    "business": "the name guests know the business by",
    "location": "the guest's location",
    "location_phone": "the location's phone number",
    "postal_address": "the business's postal address, as e-mails must carry it",
    "offer": "how the offer is worded",
    "offer_until": "the last day of the offer",
    "plan": "the guest's plan",
    "favourite": "the kind of service the guest books most",
    "therapist": "the therapist the guest sees most",
    "days_away": "days since the last visit, a number",
    "unused_credits": "benefits not used yet, a number",
    "renews_on": "the day the membership renews or ends",
    "service": "the booked service",
    "starts_at": "day and time of the booking",
    "payment_link": "the page where members put in a card (PAYMENT_LINK)",
    "card_until": "the month the guest's card is good until",
    "reach_us": "in e-mails: “answer this e-mail”, or “call us at ...” where none is read here",
    "way_out": "in e-mails: how to stop them, by an answer only where it is read here",
}

SAMPLE: dict[str, str] = {
    "first_name": "Marguerite",
    "business": "Juniper Spa",
    "location": "Uptown",
    "location_phone": "(212) 555-0100",
    "postal_address": "12 Alder Street, Portland, OR 97204",
    "offer": "a complimentary upgrade on your next visit",
    "offer_until": "20 Dec",
    "plan": "Glow",
    "favourite": "Massage",
    "therapist": "Kim",
    "days_away": "74",
    "unused_credits": "3",
    "renews_on": "1 Dec",
    "service": "Signature Facial",
    "starts_at": "Tue 4 Nov, 14:30",
    "payment_link": "https://pay.juniper.example/card",
    "card_until": "11/2026",
    "reach_us": "answer this e-mail",
    "way_out": "answer STOP or use the unsubscribe link of your mail program",
}


def field_names(text: str) -> list[str]:
    """The named fields of a text, in order of appearance. Raises BadTemplate."""
    names: list[str] = []
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        raise BadTemplate(
            "A curly bracket is not closed. Write fields as {first_name}; "
            "leave other curly brackets out."
        ) from None
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if spec or conversion or name not in FIELDS:
            shown = name or "{}"
            raise BadTemplate(f"There is no field {shown!r}. Fields are: {', '.join(FIELDS)}.")
        if name not in names:
            names.append(name)
    return names


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its fields filled. A field without a value stays as {name}, for the check to
    find. Values are put in as they are: braces inside them mean nothing. Raises BadTemplate."""
    field_names(text)
    pieces: list[str] = []
    for literal, name, _, _ in string.Formatter().parse(text):
        pieces.append(literal)
        if name is not None:
            pieces.append(values.get(name) or "{" + name + "}")
    return "".join(pieces)


# GSM 03.38: the basic table and the characters that take two places.
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_DOUBLE = frozenset("^{}\\[~]|€\f")


@dataclass(frozen=True)
class SmsSize:
    """How a text travels: characters, parts, and the characters that forced Unicode."""

    characters: int
    parts: int
    is_unicode: bool
    culprits: str


def sms_size(text: str) -> SmsSize:
    """Characters and parts of a text message (GSM 03.38: 160, or 153 a part; Unicode: 70 or 67)."""
    culprits = "".join(sorted({c for c in text if c not in GSM_BASIC and c not in GSM_DOUBLE}))
    if culprits:
        units = len(text.encode("utf-16-be")) // 2
        single, part = 70, 67
    else:
        units = sum(2 if c in GSM_DOUBLE else 1 for c in text)
        single, part = 160, 153
    parts = 1 if units <= single else math.ceil(units / part)
    return SmsSize(characters=len(text), parts=parts, is_unicode=bool(culprits), culprits=culprits)


MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "es": ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
}


def day_in_words(on: date, language: str) -> str:
    """A date as a message says it: 20 Dec, or 20 de dic."""
    month = MONTHS[language][on.month - 1]
    return f"{on.day} de {month}" if language == "es" else f"{on.day} {month}"
