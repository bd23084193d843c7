"""The words of a text: whatever it is dressed up as, what is forbidden does not pass."""

from __future__ import annotations

import dataclasses
import random
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.library import seed
from outreach.texts.fields import SAMPLE, field_names, fill
from outreach.texts.normal import plain
from outreach.texts.text_checks import Text, check_text
from tests.hostile import corpus

LIBRARY = (
    "Hi Ada, it's Tenure North. We would love to see you again, so there is a complimentary "
    "upgrade on your next visit waiting for you until 20 Dec. Shall we find you a time? "
    "Reply STOP to opt out."
)
OTHERS = {plain(word) for name in corpus.OTHERS for word in name}


def text(more: str = "", **changes: object) -> Text:
    """The library's text with something behind it."""
    whole = Text(
        channel="sms",
        subject="",
        body=f"{LIBRARY} {more}".strip(),
        library_subject="",
        library_body=LIBRARY,
        offer="a complimentary upgrade on your next visit",
        first_name="Ada",
        filled_name="Ada",
        guest_name="Ada Moss",
        location="North",
        location_phone="(212) 555-0100",
        fields={"first_name": "Ada"},
    )
    whole = dataclasses.replace(whole, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(whole, others=frozenset(whole.added_names() & OTHERS))


def failing(whole: Text) -> set[str]:
    return {result.check for result in check_text(whole) if not result.ok}


def test_the_librarys_own_words_pass() -> None:
    assert failing(text()) == set()


@pytest.mark.parametrize(
    ("phone", "said"),
    [
        ("+12125550100", "Call 212-555-0100, 20 Dec suits too"),
        ("+12125550100", "Until 20 Dec, call (212)555-0100 or +1 212.555.0100"),
        ("(212) 555-0100", "Call 2125550100. Or 1-212-555-0100"),
        ("+442079460958", "Call 020 7946 0958 or +44 (0)20 7946 0958"),
        ("+525512345678", "Call 55 1234 5678"),
    ],
)
def test_the_locations_own_number_is_never_a_foreign_one(phone: str, said: str) -> None:
    assert failing(text(said, location_phone=phone)) == set()


@pytest.mark.parametrize(
    "said",
    ["Call 212-555-0199", "Call 9212 555 0100", "Call 212 555 01005", "Call 555-0100 20",
     "Call 212-555-0100 917 555 0199", "Call 917 555 0199 20"],
)  # fmt: skip
def test_what_stands_beside_the_own_number_is_judged_by_itself(said: str) -> None:
    assert "numbers" in failing(text(said))


# An empty sentence adds nothing to a text; test_worder.py refuses it as a machine's answer.
WORDED = [row for row in corpus.hostile() if row.payload.strip()]


@pytest.mark.parametrize("row", WORDED, ids=lambda row: f"{row.kind}-{row.payload[:30]}")
def test_what_a_hostile_note_asks_for_does_not_pass(row: corpus.Hostile) -> None:
    assert failing(text(row.payload))


@pytest.mark.parametrize("sentence", corpus.HARMLESS)
def test_what_a_good_writer_writes_passes(sentence: str) -> None:
    assert failing(text(sentence)) == set()


# --- Disguises ------------------------------------------------------------------------------------

FORBIDDEN = {
    "clinical claim": ["botox", "it cures everything", "guaranteed results", "inyecciones"],
    "benefit": ["gratis para ti", "half price", "a voucher", "on the house", "un descuento"],
    "links": ["glowdeals.com", "whatsapp", "www.glow.org", "instagram"],
    "numbers": ["646 555 0199", "$75", "45%", "seventy dollars"],
}
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
LOOKALIKE = str.maketrans("aeopcxyABEHKMOPCTX", "аеорсхуАВЕНКМОРСТХ")
INVISIBLE = ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\u034f"]


def mathematical(word: str) -> str:
    return "".join(
        chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else
        chr(0x1D7CE + int(c)) if c.isascii() and c.isdigit() else c
        for c in word
    )  # fmt: skip


@st.composite
def disguised(draw: st.DrawFn, words: list[str]) -> str:
    """A forbidden thing under one to three disguises."""
    word = draw(st.sampled_from(words))
    chance = random.Random(draw(st.integers(0, 2**32)))
    for kind in draw(st.lists(st.sampled_from(range(9)), min_size=1, max_size=3, unique=True)):
        if kind == 0:
            word = word.translate(FULL_WIDTH)
        elif kind == 1:
            word = word.translate(LOOKALIKE)
        elif kind == 2:
            word = "".join(c + (chance.choice(INVISIBLE) if c != " " else "") for c in word)
        elif kind == 3:
            word = mathematical(word)
        elif kind == 4:
            word = "".join(chance.choice([c.upper(), c.lower()]) for c in word)
        elif kind == 5:
            word = unicodedata.normalize("NFD", word.replace("o", "ó").replace("a", "ä"))
        elif kind == 6:
            word = "".join(c + chr(0x0336) for c in word)
        elif kind == 7:
            word = f"**{word}**"
        else:
            word = word.replace(" ", chance.choice(["\u00a0", "  ", "\t", "\u2003"]))
    return word


@pytest.mark.parametrize("check", FORBIDDEN)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_disguise_lets_a_forbidden_thing_pass(check: str, data: st.DataObject) -> None:
    said = data.draw(disguised(FORBIDDEN[check]))
    assert failing(text(f"There is {said} here."))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_at_all_gets_an_answer_and_is_read_the_same_twice(said: str) -> None:
    first = [result.as_dict() for result in check_text(text(said))]
    assert first == [result.as_dict() for result in check_text(text(said))]
    assert plain(plain(said)) == plain(said)


# --- What the guest chose -------------------------------------------------------------------------

SPANISH_AND_ENGLISH = [
    (body + (" Reply STOP to opt out." if "STOP" not in body else ""), language)
    for _slug, _name, _cause, english, spanish in seed._SMS
    for body, language in [(english, "en"), (spanish, "es")]
]


@pytest.mark.parametrize(("body", "language"), SPANISH_AND_ENGLISH)
def test_every_library_text_passes_filled_with_an_ordinary_guest(body: str, language: str) -> None:
    for name in ["Ada", "María José", "O'Neil", "Łukasz", "Grace", "Gift", "Anne-Marie", "Σοφία"]:
        values = {**SAMPLE, "first_name": name, "business": "Tenure", "location": "North"}
        filled = fill(body, values)
        fields = {field: values[field] for field in field_names(body)}
        whole = text(
            body=filled, library_body=filled, offer=SAMPLE["offer"], first_name=name,
            filled_name=name, guest_name=f"{name} Moss", fields=fields,
        )  # fmt: skip
        # A letter outside the plain SMS alphabet may make the text too long, which it says.
        assert failing(whole) <= {"length"}, [r.message for r in check_text(whole) if not r.ok]


@pytest.mark.parametrize(
    "name",
    [
        "Ada, see http://evil.example", "glow.com", "Ada 646 555 0199", "6465550199", "A\u200bda",
        "<b>Ada</b>", "Ada\nYour massage is free", "Ada!!!", "$50", "Ada you won a free massage ok",
        "{business}", "\u202eadA", "A" * 60, "Ⓐda", "ada@evil.example", "Ada²", "½",
    ],
)  # fmt: skip
def test_a_first_name_that_is_none_is_flagged(name: str) -> None:
    filled = LIBRARY.replace("Ada", name, 1)
    whole = text(
        body=filled, library_body=filled, first_name=name, filled_name=name, guest_name=name,
        fields={"first_name": name},
    )  # fmt: skip
    assert failing(whole) & {"name", "characters"}


@settings(max_examples=150, deadline=None)
@given(st.text(min_size=1, max_size=50))
def test_a_name_never_carries_a_link_or_a_number_past_the_checks(name: str) -> None:
    filled = LIBRARY.replace("Ada", name, 1)
    whole = text(
        body=filled, library_body=filled, first_name=name, filled_name=name, guest_name=name,
        fields={"first_name": name},
    )  # fmt: skip
    if any(character.isdigit() or character in "@/:<>{}" for character in name):
        assert failing(whole)


@pytest.mark.parametrize("value", ["see glow.com", "Kim 646 555 0199", "a\nb", "x" * 90])
def test_a_value_of_the_platform_that_does_not_belong_is_flagged(value: str) -> None:
    assert "missing field" in failing(text(fields={"first_name": "Ada", "therapist": value}))


# --- What may be said -----------------------------------------------------------------------------


def test_the_locations_own_number_may_be_added_however_it_is_written() -> None:
    for own in ["(212) 555-0100", "212-555-0100", "2125550100", "+1 212 555 0100"]:
        assert failing(text(f"Call us: {own}.")) == set(), own
    assert "numbers" in failing(text("Call us: (212) 555-0101."))


def test_links_lead_to_the_business_only(settings) -> None:
    settings.LINK_DOMAINS = ["juniper.example"]
    assert failing(text("Book at https://juniper.example/book.")) == set()
    assert failing(text("Book at https://my.juniper.example/book.")) == set()
    for foreign in [
        "https://juniper.example.evil.com/book",
        "https://evil.com/juniper.example",
        "http://juniper.example/book",
        "https://juniper.example@evil.com",
        "https://evil@juniper.example/book",
        "https://juniper.example:8443/book",
        "https://xjuniper.example",
        "https://juniper.exampl",
    ]:
        assert "links" in failing(text(f"Book at {foreign} now.")), foreign


def test_a_link_of_the_library_is_known_but_no_part_of_it(settings) -> None:
    linked = LIBRARY + " More at glow-times.com."
    assert failing(text(body=linked, library_body=linked)) == set()
    assert "links" in failing(text(body=linked + " And times.co.", library_body=linked))


def test_an_offer_is_promised_as_often_as_the_library_promises_it() -> None:
    assert "benefit" in failing(text("And a complimentary upgrade for your friend."))
    assert failing(text(body=LIBRARY.replace("Shall we find you a time?", "Shall we?"))) == set()


def test_a_text_that_no_longer_says_who_writes_is_flagged() -> None:
    assert "sender" in failing(text(body=LIBRARY.replace("it's Tenure North. ", "")))


def test_emoji_are_welcome_unless_they_promise_or_spell() -> None:
    short = "Hi Ada, it's Tenure. See you soon {} Reply STOP to opt out."
    for welcome in ["😊🌿", "👩\u200d👧", "☀\ufe0f", "👍🏽"]:
        assert failing(text(body=short.format(welcome))) == set(), welcome
    for telling in ["🎁", "💰", "💯", "🆓", "🇫🇷", "5️⃣"]:
        assert failing(text(f"See you {telling}")), telling


# --- One check alone ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"body": " \n "}, "missing field"),
        ({"subject": "Your {plan}", "library_subject": "Your {plan}"}, "missing field"),
        ({"body": LIBRARY + " &quot;", "library_body": LIBRARY}, "characters"),
        ({"body": LIBRARY + " aGVsbG9Xb3JsZA now."}, "characters"),
        (
            {
                "body": LIBRARY.replace("Hi Ada, it's", "It's"),
                "library_body": LIBRARY.replace("Hi Ada, it's", "It's"),
                "filled_name": "Bella",
            },
            "name",
        ),
        (
            {
                "body": LIBRARY.replace("Hi Ada, it's", "It's"),
                "library_body": LIBRARY.replace("Hi Ada, it's", "It's"),
                "first_name": "Ada.com",
                "filled_name": "Ada.com",
            },
            "name",
        ),
        ({"channel": "email", "body": LIBRARY + " well" * 1_000}, "length"),
    ],
)
def test_each_check_finds_its_own_fault(changes: dict[str, str], check: str) -> None:
    assert check in failing(text(**changes))


@pytest.mark.parametrize(
    "said", ["And 20% more.", "And 20 percent more.", "Call 20.", "It is twenty dollars."]
)
def test_a_number_that_is_known_may_not_come_back_as_an_amount(said: str) -> None:
    """The library's text names the 20th: that makes no 20 % known."""
    if said == "Call 20.":
        assert failing(text(said)) == set()
    else:
        assert "numbers" in failing(text(said))


def test_an_amount_may_be_said_as_often_as_the_library_says_it() -> None:
    credit = LIBRARY.replace("a complimentary upgrade on your next visit", "a $15 credit")
    same = {"library_body": credit, "offer": "a $15 credit"}
    assert failing(text(body=credit, **same)) == set()
    assert "numbers" in failing(text(body=f"{credit} And $15 for your friend.", **same))
    # Where the library's text does not name its offer, the text may: once.
    bare = {"library_body": LIBRARY, "offer": "a $15 credit"}
    assert (
        failing(text(body=LIBRARY.replace("a complimentary upgrade on", "$15 for"), **bare))
        == set()
    )
    assert "numbers" in failing(text("Take $15, or $15.", **bare))


def test_a_promise_of_the_library_is_not_made_twice_and_none_in_pictures() -> None:
    assert "benefit" in failing(text("And an upgrade for your friend."))
    assert "benefit" in failing(text("See you 🎁"))


def test_a_house_may_be_called_a_clinic() -> None:
    named = LIBRARY.replace("North", "Glow Clinic")
    assert failing(text(body=named, library_body=named, location="Glow Clinic")) == set()
    assert "clinical claim" in failing(text("Ask at the Glow Clinic."))
