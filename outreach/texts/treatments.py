"""No treatment names in text messages, unless the business allows it.

A text lies open on a locked screen, travels unencrypted and may be read by whoever holds the
phone. That somebody gets a treatment can be health information; a message says *your visit*.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from memberships.models import Service
from outreach.models import Channel
from outreach.results import Check, bad, good
from outreach.texts.normal import plain

if TYPE_CHECKING:
    from outreach.models import Draft, OutreachPolicy

NAME = "treatment"
# Fields that name what is done to a guest.
FIELDS = ("favourite", "service")
# Catalogue entries that are words of any message.
_EVERYDAY = frozenset(
    plain(word)
    for word in (
        "Add-on", "Add-ons", "Addon", "Other", "Others", "General", "Membership", "Memberships",
        "Package", "Packages", "Service", "Services", "Product", "Products", "Class", "Classes",
        "Gift card", "Gift cards", "Visit", "Upgrade", "Upgrades", "Guest", "Guest pass", "Misc",
        "Event", "Events", "Wellness", "Beauty", "Relax", "Signature", "Welcome", "Retail",
    )
)  # fmt: skip
# Said in any catalogue, whatever the names in this one.
_WORDS = re.compile(
    r"\b(?:massage\w*|facials?|hydrafacials?|peels?|lasers?|botox|fillers?|injecti\w+|injectables?|"
    r"wax(?:ing|es)?|lash(?:es)?|brows?|manicures?|pedicures?|microneedling|dermaplan\w+|"
    r"microblading|sculpting|liposuction|hair removal|tattoo removal|semaglutide|iv drip\w*|"
    r"tanning|acupuncture|cupping|"
    r"masajes?|depilacion|manicuras?|pedicuras?|rellenos?|toxina|pestanas|cejas|inyecci\w+)\b"
)


def catalogue_names() -> frozenset[str]:
    """Services and their categories in plain form, one query."""
    rows = Service.objects.values_list("name", "category").distinct()
    names = {plain(name) for row in rows for name in row if name}
    return frozenset(name for name in names if len(name) > 3 and name not in _EVERYDAY)


def all_named(text: str, names: Collection[str], *, house: str = "") -> list[str]:
    """The treatments a text names, in plain form. `house` is what the business and the location
    are called: that is no treatment."""
    said = plain(text)
    for own in sorted(filter(None, map(plain, house.split("\n"))), key=len, reverse=True):
        said = re.sub(rf"(?<!\w){re.escape(own)}(?!\w)", " ", said)
    of_catalogue = (
        name for name in sorted(names) if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said)
    )
    return list(dict.fromkeys([*_WORDS.findall(said), *of_catalogue]))


def named_in(text: str, names: Collection[str], *, house: str = "") -> str:
    """The first of `all_named`; empty when the text names none."""
    return next(iter(all_named(text, names, house=house)), "")


def added_in_answer(
    text: str, asked: Iterable[str], names: Collection[str], *, house: str = ""
) -> str:
    """The first treatment an answer names that none of the guest's own messages names; one or many
    of it are the same."""
    theirs = {
        name.removesuffix("s") for said in asked for name in all_named(said, names, house=house)
    }
    found = all_named(text, names, house=house)
    return next((name for name in found if name.removesuffix("s") not in theirs), "")


def speakable(values: dict[str, str]) -> dict[str, str]:
    """The values a text message may be filled with: without what names a treatment, be it one of
    the FIELDS or a plan that is called after one (Massage Package of 10)."""
    return {
        name: value
        for name, value in values.items()
        if name not in FIELDS and not (name == "plan" and named_in(value, ()))
    }


def asks_for_names(drafts: Iterable[Draft], policy: OutreachPolicy) -> bool:
    """Whether the check of these drafts needs the catalogue: a library text as it is names none,
    or was filled with one of the FIELDS."""
    return not policy.treatment_names_in_sms and any(
        draft.channel == Channel.SMS
        and (draft.subject, draft.body) != (draft.library_subject, draft.library_body)
        for draft in drafts
    )


def check(draft: Draft, policy: OutreachPolicy, names: Collection[str], *, house: str) -> Check:
    """Whether a text message keeps to the rule; e-mails and businesses that allow it pass."""
    if draft.channel != Channel.SMS or policy.treatment_names_in_sms:
        return good(NAME, "May be named here")
    filled = next((str(draft.fields[name]) for name in FIELDS if draft.fields.get(name)), "")
    found = filled or named_in(draft.body, names, house=house)
    if found:
        return bad(
            NAME,
            f"A text message may not name a treatment (“{found}”): others may read it. Say “your "
            "visit”, or allow it under Settings, Writing to guests.",
        )
    return good(NAME, "None named")
