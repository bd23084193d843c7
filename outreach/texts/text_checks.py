"""What is looked at in the words of a text, whoever wrote them: library, person or machine.

Pure: everything a text may repeat comes with it (`Text`). What the approved text and its offer say
may be said again, as often as they say it, and nothing of the kind besides. Words are looked for in
the plain form of the text and in its disguises (outreach.texts.normal), so that what a reader
understands is what is judged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from urllib.parse import urlsplit

import phonenumbers
from django.conf import settings

from outreach import reply_address
from outreach.models import Channel
from outreach.results import Check, bad, good
from outreach.texts import wording
from outreach.texts.fields import sms_size
from outreach.texts.normal import disguises, named, plain, squeezed, strange_characters

MAX_SMS_PARTS = 3
MAX_EMAIL_CHARACTERS = 5_000
MAX_FIRST_NAME = 40
SHORTEST_OWN = 7  # digits of a location's number that may be told apart from other numbers
# Fields whose values staff approve or settings hold; the others may carry no link and no number to
# call.
TRUSTED_FIELDS = {
    "offer", "offer_until", "postal_address", "location_phone", "business", "payment_link",
    "reach_us", "way_out",
}  # fmt: skip
# Words found even when a space cuts them in two.
CUT_IN_TWO = (
    "botox", "guarantee", "garantiz", "permanent", "clinical", "discount", "descuento", "voucher",
    "coupon", "cupones", "refund", "reembolso", "complimentary", "freeofcharge", "onthehouse",
    "whatsapp", "halfprice", "mitaddeprecio", "dosporuno", "semaglutide", "ozempic", "wrinkle",
    "giftcard", "gratis", "gratuit", "twoforone", "promocode", "sinefectos", "sideeffect",
)  # fmt: skip


@dataclass(frozen=True)
class Text:
    """A text to one guest and all it may repeat. `library_...` is the approved text filled in as
    nobody changed it; `names` are words that belong to this guest or the house."""

    channel: str
    subject: str
    body: str
    library_subject: str
    library_body: str
    offer: str = ""  # how the library names the offer
    first_name: str = ""  # of the guest, as the platform has it
    filled_name: str = ""  # as the text was filled with
    guest_name: str = ""
    location: str = ""
    location_phone: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()  # plain names of other guests found among `added_names`

    @cached_property
    def whole(self) -> str:
        return self._hide_name(f"{self.subject}\n{self.body}" if self.subject else self.body)

    @cached_property
    def library(self) -> str:
        return self._hide_name(f"{self.library_subject}\n{self.library_body}")

    @cached_property
    def foreign(self) -> str:
        """The text without what is the house's own in any text: its number and its links."""
        return wording.LINKS.sub(
            lambda found: "" if is_ours(found.group().rstrip(".,;:!?)")) else found.group(),
            without_phone(self.whole, self.location_phone),
        )

    @cached_property
    def views(self) -> list[str]:
        return disguises(self.foreign)

    @cached_property
    def known(self) -> str:
        return plain(f"{self.library}\n{self.offer}")

    @cached_property
    def promised(self) -> str:
        """What may be promised, and as often: the library's text, which names the offer once; the
        offer itself only where that text does not."""
        library, offer = plain(self.library), plain(self.offer)
        return library if offer in library else self.known

    @cached_property
    def is_library(self) -> bool:
        return (self.subject, self.body) == (self.library_subject, self.library_body)

    def _hide_name(self, text: str) -> str:
        """The text without the guest's name where it greets: a guest may be called Grace or Gift.
        A name that does not look like one hides nothing."""
        name = self.filled_name
        if not name or not wording.is_first_name(name):
            return text
        return re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", "", text, count=2)

    def added_names(self) -> set[str]:
        """Words of the text, in plain form, that neither library, guest nor house account for and
        that may be a name."""
        if self.is_library:
            return set()
        own = plain(
            f"{self.guest_name} {self.location} {settings.BUSINESS_NAME} {self.library} "
            f"{self.offer}"
        )
        known = set(re.findall(r"[\w'-]+", own))
        found: set[str] = set()
        for match in wording.NAME_TOKEN.finditer(self.whole):
            word = plain(match.group()).removesuffix("'s")
            if word in known or len(word) < 3:
                continue
            if word in wording.ALSO_WORDS and not _is_proper(self.whole, match):
                continue
            found.add(word)
        disguised = {word for view in self.views[1:] for word in re.findall(r"[^\W\d_]{3,}", view)}
        return found | (disguised - known - wording.ALSO_WORDS)

    def added_capitals(self) -> list[str]:
        """Capitalised words in the midst of a sentence that the library does not have."""
        known = set(
            re.findall(
                r"[\w'-]+",
                plain(f"{self.guest_name} {self.location} {settings.BUSINESS_NAME} {self.library}"),
            )
        )
        return [
            match.group()
            for match in wording.NAME_TOKEN.finditer(self.whole)
            if _is_proper(self.whole, match)
            and plain(match.group()) not in known
            and plain(match.group()) not in CAPITAL_WORDS
        ]


# Written with a capital in English without being anybody's name.
CAPITAL_WORDS = frozenset(
    {"i'm", "i'll", "i'd", "i've", "monday", "tuesday", "wednesday", "thursday", "friday"}
    | {"saturday", "sunday", "january", "february", "march", "april", "june", "july", "august"}
    | {"september", "october", "november", "december", "christmas", "thanksgiving"}
)


def _is_proper(text: str, match: re.Match[str]) -> bool:
    """A capital that no beginning of a sentence explains."""
    if not match.group()[0].isupper():
        return False
    before = text[: match.start()].rstrip(" \t\"'“‘(¡¿")
    return bool(before) and before[-1] not in ".!?:\n…"


def check_text(text: Text) -> list[Check]:
    """All checks of the words, in the order of a draft's card."""
    return [one(text) for one in CHECKS]


# --- One by one -----------------------------------------------------------------------------------


def _fields(text: Text) -> Check:
    name = "missing field"
    if not text.body.strip():
        return bad(name, "The text is empty. Write it or reject the draft.")
    missing = sorted(set(wording.FIELD.findall(f"{text.subject}\n{text.body}")))
    if missing:
        return bad(name, f"Not filled: {', '.join(missing)}. Edit the text or reject the draft.")
    for key, value in text.fields.items():
        if key in TRUSTED_FIELDS or key == "first_name":
            continue
        said = plain(value)
        if _links_in(said) or wording.PHONES.search(said) or "\n" in value or len(value) > 80:
            return bad(
                name,
                f"“{value[:60]}” does not look like what belongs there. Correct it in the booking "
                "platform or reject the draft.",
            )
    return good(name, "All filled")


def _characters(text: Text) -> Check:
    name = "characters"
    known = text.library if not text.is_library else ""
    typed = f"{text.subject}\n{text.body}"
    if text.filled_name and wording.is_first_name(text.filled_name):
        known += text.filled_name
    # Brackets of a field nobody filled are told by the check of fields.
    strange = strange_characters(wording.FIELD.sub("", typed), known=known + _approved_marks(text))
    if strange:
        shown = ", ".join(named(character) for character in strange[:4])
        return bad(name, f"Characters that may hide something: {shown}. Write them plainly.")
    encoded = {found.group() for found in wording.ENCODED.finditer(text.foreign)}
    encoded -= {found.group() for found in wording.ENCODED.finditer(f"{text.library} {text.offer}")}
    for view in (wording.SPELLED_OUT.search(text.whole), wording.SPELLED_OUT.search(text.views[0])):
        if view and plain(view.group()) not in text.known:
            return bad(name, f"“{view.group()[:40]}” is spelled out. Write it as words.")
    if encoded:
        return bad(name, f"“{sorted(encoded)[0][:40]}” is not a word. Take it out.")
    return good(name, "Plain")


def _approved_marks(text: Text) -> str:
    """Marks such as @ or # that the approved text itself carries."""
    return "".join(c for c in f"{text.library} {text.offer}" if ord(c) < 128 and not c.isalnum())


def _name(text: Text) -> Check:
    name = "name"
    own, filled = plain(text.first_name), plain(text.filled_name or text.first_name)
    looks_right = wording.is_first_name(text.filled_name or "A")
    if not looks_right or len(text.filled_name) > MAX_FIRST_NAME or _links_in(filled):
        return bad(
            name,
            f"“{text.filled_name[:60]}” does not look like a first name. Correct it in the booking "
            "platform.",
        )
    greeted = wording.GREETING.match(text.body)
    addressed = plain(greeted.group(1)) if greeted else ""
    if filled != own or (addressed and addressed != own.split(" ")[0] and addressed != own):
        wrong = greeted.group(1) if greeted else text.filled_name
        return bad(
            name, f"The text speaks to {wrong}, the guest is {text.guest_name}. Correct the name."
        )
    others = text.added_names() & text.others
    if others:
        shown = ", ".join(sorted(other.title() for other in others))
        return bad(
            name,
            f"{shown} may be another guest. Take the name out, or approve with care.",
            blocks=False,
        )
    return good(name, f"Speaks to {text.first_name}")


def _sender(text: Text) -> Check:
    name = "sender"
    ours = set(
        re.findall(r"[\w'&-]+", plain(f"{settings.BUSINESS_NAME} {text.location} {text.library}"))
    )
    for found in wording.SENDER.finditer(text.whole):
        if plain(found.group(1)) not in ours:
            return bad(
                name,
                f"“{found.group(0)}” speaks for somebody else. Only {settings.BUSINESS_NAME} "
                "writes to guests.",
            )
    house = plain(settings.BUSINESS_NAME)
    if house in plain(text.library_body) and house not in plain(text.body):
        return bad(
            name,
            f"The text no longer says who writes. Name {settings.BUSINESS_NAME}.",
            blocks=False,
        )
    return good(name, settings.BUSINESS_NAME)


def _numbers(text: Text) -> Check:
    name = "numbers"
    allowed = text.known
    phones = _phones_in(f"{allowed} {plain(text.location_phone)}")
    for view in _number_views(text):
        for found in wording.PHONES.finditer(view):
            if _digits(found.group()) not in phones:
                return bad(name, f"{found.group()} is a number to call that we do not know.")
    said = text.views[0]
    for label, pattern in (("amount", wording.MONEY), ("percentage", wording.PERCENTS)):
        if strange := _more(_firsts(pattern, said), _firsts(pattern, text.promised)):
            return bad(name, f"The {label} {strange} is not part of the offer. Take it out.")
    for pattern in (wording.CURRENCY, wording.PERCENT_SIGNS):
        if strange := _more(pattern.findall(said), pattern.findall(text.promised)):
            return bad(name, f"“{strange}” is more than the offer says. Take it out.")
    for view in text.views:
        for pattern in (wording.NUMBER_WORDS, wording.DATES_IN_WORDS):
            known = set(pattern.findall(allowed))
            added = (w for w in pattern.findall(view) if w not in known)
            strange = next((w for w in added if not wording.HARMLESS_COUNT.fullmatch(w)), "")
            if strange:
                return bad(name, f"“{strange}” is not part of the offer. Take it out.")
    known_numbers = set(wording.NUMBERS.findall(allowed))
    strange = next((n for n in wording.NUMBERS.findall(said) if n not in known_numbers), "")
    if strange:
        return bad(
            name,
            f"The number {strange} comes from neither the library nor this guest. Take it out.",
        )
    return good(name, "All known")


def _number_views(text: Text) -> Iterator[str]:
    for view in text.views:
        yield view
        yield wording.digits_in_words(view)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _phones_in(text: str) -> set[str]:
    found = {_digits(match.group()) for match in wording.PHONES.finditer(text)}
    return found | {digits.removeprefix("1") for digits in found if len(digits) == 11}


def without_phone(text: str, phone: str) -> str:
    """The text without the location's own number, with or without its country, however it is
    grouped; what stands beside it ("..., 3 pm works") is left to be judged by itself."""
    own = _own_phone(phone)
    return own.sub("", text) if own else text


@lru_cache(maxsize=512)
def _own_phone(phone: str) -> re.Pattern[str] | None:
    country, digits = "1", _digits(phone).removeprefix("1")
    if phone.startswith("+"):
        try:
            parsed = phonenumbers.parse(phone)
        except phonenumbers.NumberParseException:
            return None
        country, digits = str(parsed.country_code), str(parsed.national_number)
    if len(digits) < SHORTEST_OWN:
        return None
    between = r"(?:[^\w]|_){0,4}"
    spaced = between.join(digits)
    # +44 20 ..., +44 (0)20 ..., 020 ...
    before = rf"(?:\+?{between.join(country)}{between})?(?:0{between})?"
    return re.compile(rf"(?<![\d+]){before}{spaced}(?!\d)")


def _firsts(pattern: re.Pattern[str], text: str) -> list[str]:
    return [next(g for g in match.groups() if g is not None) for match in pattern.finditer(text)]


def _more(said: list[str], allowed: list[str]) -> str:
    """The first thing said more often than it may be; empty when there is none."""
    over = Counter(said) - Counter(allowed)
    return next(iter(over), "")


def _benefit(text: Text) -> Check:
    name = "benefit"
    if text.is_library:
        return good(name, "As the library says it")
    promised = Counter(wording.BENEFIT.findall(text.promised))
    for view in text.views:
        over = Counter(wording.BENEFIT.findall(view)) - promised
        if over:
            word = next(iter(over))
            return bad(name, f"“{word}” promises something that is not in the offer. Take it out.")
    if word := _cut(text):
        return bad(name, f"“{word}” promises or claims what the library does not. Take it out.")
    pictures = [c for c in text.whole if c in wording.BENEFIT_EMOJI and c not in text.library]
    if pictures:
        return bad(name, f"{pictures[0]} promises something. Take it out.")
    return good(name, "Nothing beyond the offer")


def _cut(text: Text) -> str:
    said, base = squeezed(text.whole), squeezed(text.library)
    return next((word for word in CUT_IN_TWO if said.count(word) > base.count(word)), "")


def _clinical(text: Text) -> Check:
    name = "clinical claim"
    for view in text.views:
        for house in (settings.BUSINESS_NAME, text.location):
            view = view.replace(plain(house), "") if house else view
        found = wording.CLINICAL.search(view)
        if found:
            return bad(name, f"“{found.group(0)}” makes a health claim. Take it out.")
    return good(name, "None")


def _pressure(text: Text) -> Check:
    name = "pressure"
    known = set(wording.PRESSURE.findall(text.known))
    for view in text.views:
        strange = next((w for w in wording.PRESSURE.findall(view) if w not in known), "")
        if strange:
            return bad(name, f"“{strange}” presses or frightens. Ask instead.")
    return good(name, "None")


def _links(text: Text) -> Check:
    name = "links"
    allowed = _links_in(text.known)
    for view in text.views:
        if strange := sorted(_links_in(view) - allowed):
            return bad(name, f"{strange[0]} is not a link of the library. Take it out.")
    known = set(wording.CONTACT.findall(text.known))
    for view in text.views:
        away = next((w for w in wording.CONTACT.findall(view) if w not in known), "")
        if away:
            return bad(name, f"“{away}” leads the guest elsewhere. They answer here or call us.")
    return good(name, "None unknown")


def _links_in(said: str) -> set[str]:
    """Links, mail addresses and spoken links of a plain text."""
    found = {match.group().rstrip(".,;:!?)") for match in wording.LINKS.finditer(said)}
    return found | {match.group() for match in wording.SPOKEN_LINKS.finditer(said)}


def is_ours(link: str) -> bool:
    """An https link to one of the business's own domains (LINK_DOMAINS), with nothing hidden in
    it."""
    parts = urlsplit(link)
    host = parts.hostname or ""
    if parts.scheme != "https" or "@" in parts.netloc or ":" in parts.netloc or not host.isascii():
        return False
    return any(host == domain or host.endswith("." + domain) for domain in settings.LINK_DOMAINS)


def _stop_line(text: Text) -> Check:
    name = "opt-out line"
    base = plain(text.library_body)
    for view in text.views:
        if wording.TRAPS.search(view):
            return bad(name, "The text asks for a word that means stop. Ask for something else.")
    if set(wording.SHOUTED_STOPS.findall(text.body)) - set(
        wording.SHOUTED_STOPS.findall(text.library_body)
    ):
        return bad(name, "The text asks for a word that means stop. Ask for something else.")
    if not has_way_out(text.channel, text.body):
        return bad(name, "The way out is missing. Add: Reply STOP to opt out.")
    for sentence in re.split(r"(?<=[.!?\n])\s+", text.body):
        said = plain(sentence)
        if wording.STOP_WORD.search(said) and (
            not wording.OPT_OUT.search(said) or (wording.DENIED.search(said) and said not in base)
        ):
            return bad(name, f"“{sentence.strip()[:60]}” does not say plainly how to stop.")
    ways = wording.WAY_OUT_WORDS
    if len(ways.findall(plain(text.body))) > len(ways.findall(base)) and any(
        wording.DENIED.search(plain(s))
        for s in re.split(r"(?<=[.!?\n])\s+", text.body)
        if ways.search(plain(s)) and plain(s) not in base
    ):
        return bad(name, "The text talks the way out away. Leave the line as the library has it.")
    return good(name, "There")


def has_way_out(channel: str, body: str) -> bool:
    """Whether a text says how to stop: the word to answer, or in e-mails the link of the mail
    program."""
    by_link = channel == Channel.EMAIL and bool(wording.LINK_OUT.search(plain(body)))
    return by_link or bool(wording.STOP_LINE.search(body))


def asks_in_vain(channel: str, text: str) -> bool:
    """Whether an e-mail asks for an answer that nobody here would read."""
    if channel != Channel.EMAIL or reply_address.are_read():
        return False
    return bool(wording.ASKS_FOR_ANSWER.search(plain(text)))


def _answers(text: Text) -> Check:
    name = "answers"
    if asks_in_vain(text.channel, f"{text.subject}\n{text.body}"):
        return bad(
            name,
            "Answers to e-mails are not read here, and this one asks for one: a STOP would not be "
            "obeyed. Name a number to call and the unsubscribe link instead.",
        )
    return good(name, "Asks for none that nobody reads")


def _length(text: Text) -> Check:
    name = "length"
    if text.channel == Channel.EMAIL:
        if len(text.body) > MAX_EMAIL_CHARACTERS:
            return bad(name, f"Longer than {MAX_EMAIL_CHARACTERS} characters. Shorten it.")
        return good(name, f"{len(text.body)} characters")
    size = sms_size(text.body)
    if size.parts > MAX_SMS_PARTS:
        because = f" The characters {size.culprits} force Unicode." if size.is_unicode else ""
        return bad(name, f"{size.parts} SMS parts, at most {MAX_SMS_PARTS}. Shorten it.{because}")
    parts = f"{size.parts} SMS part" + "s" * (size.parts > 1)
    return good(name, f"{size.characters} characters, {parts}")


CHECKS: tuple[Callable[[Text], Check], ...] = (
    _fields,
    _characters,
    _name,
    _sender,
    _numbers,
    _benefit,
    _clinical,
    _pressure,
    _links,
    _stop_line,
    _answers,
    _length,
)
