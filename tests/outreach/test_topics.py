"""What an answer is about, by rule, in English and Spanish; unclear or upset ones get no words put
into anybody's mouth."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from outreach.models import Topic
from outreach.reading import intents, topics

ABOUT = {
    Topic.CANCEL: """
        I'd like to cancel my membership|please end my plan|how do I get out of this contract
        I don't want the membership anymore|stop charging my card|Please end my membership.
        Thanks for the reminder, I want to cancel my membership.|do not renew my plan
        Quiero cancelar mi membresía, por favor.|quiero darme de baja del plan ya no quiero el plan
        ya no quiero mi membresía|dejen de cobrarme""",
    Topic.MOVE: """
        Sorry, I can't make it. Can we move it?|I need to cancel my appointment on Friday
        can I reschedule my visit|Can we do next week instead?|running late
        Necesito cambiar mi cita|No puedo ir, ¿la podemos cambiar?|Tengo que cancelar mi reserva""",
    Topic.BOOK: """
        What times do you have on Saturday?|Can I come Thursday?|do you have anything tomorrow
        Can you book me in?|¿Qué horas tienen el sábado?|Puedo ir el jueves?|quiero reservar""",
    Topic.PRICE: "How much is it?|what's the price|¿cuánto cuesta?|cuanto sale el facial",
    Topic.HOURS: """
        what time do you close|are you open sundays?|your hours please
        ¿a qué hora abren?|cual es su horario""",
    Topic.PLACE: "where are you located|what's the address|¿dónde están?|hay estacionamiento",
    Topic.PLAN: """
        Is that on top of my membership?|Do I still have credits left?|when does it renew
        ¿Está incluido en mi membresía?|¿Hasta cuándo es válido?""",
    Topic.COMPLAINT: """
        My card was charged twice, overcharged again|I was disappointed last time|very rude staff
        I want my money back, refund please|You again...|COME ON THIS IS NOT OK AT ALL
        ¿Por qué me escriben tanto?|me cobraron dos veces|What is this?!""",
    Topic.THANKS: "Thanks, see you soon|thank you!|¡Muchas gracias!|Appreciate it 😊",
    Topic.OTHER: """
        My doctor says not yet|I broke my arm|estoy embarazada|Is Kim still there?|maybe
        how much is a facial and what time do you close""",
}  # fmt: skip
CASES = [
    (text.strip(), topic)
    for topic, texts in ABOUT.items()
    for line in texts.split("\n")
    for text in line.split("|")
    if text.strip()
]


def about(text: str) -> topics.About:
    return topics.read(text, intents.read(text))


@pytest.mark.parametrize(("text", "topic"), CASES)
def test_each_answer_is_about_its_topic(text, topic):
    assert about(text).topic == topic


@pytest.mark.parametrize(
    "text",
    ["I am so disappointed", "My doctor says not yet", "WHERE ARE YOU LOCATED PLEASE TELL ME",
     "how much is it and where are you", "hm", "STOP CHARGING MY CARD RIGHT NOW!!!"],
)  # fmt: skip
def test_nothing_is_suggested_to_the_upset_and_the_unclear(text):
    assert not about(text).suggests


@pytest.mark.parametrize(
    ("text", "language"),
    [("Where are you located?", "en"), ("¿Dónde están?", "es"), ("Claro que sí, gracias", "es")],
)
def test_the_language_is_told(text, language):
    assert about(text).language == language


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-11-18T15:00", "2026-11-19T18:00"),  # Wednesday -> Thursday
        ("2026-11-20T23:30", "2026-11-23T18:00"),  # Friday night -> Monday
        ("2026-11-21T09:00", "2026-11-23T18:00"),  # Saturday -> Monday
        ("2026-10-30T12:00", "2026-11-02T18:00"),  # over the change of clocks
    ],
)
def test_a_wish_to_cancel_is_due_by_the_end_of_the_next_business_day(received, due):
    zone = ZoneInfo("America/New_York")
    at = datetime.fromisoformat(received).replace(tzinfo=zone)
    wanted = datetime.fromisoformat(due).replace(tzinfo=zone)
    assert topics.due_at(Topic.CANCEL, at.astimezone(UTC), zone) == wanted
    assert topics.due_at(Topic.MOVE, at, zone) is None
