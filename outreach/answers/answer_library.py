"""Answers to begin with, by what the guest wrote about. They promise nothing and name no treatment;
Spanish ones keep to the plain SMS alphabet."""

from __future__ import annotations

from typing import Any

from outreach.models import Channel, Topic

# (topic, name, English, Spanish). Where a topic has two, the first whose fields are known is taken.
_TEXTS: list[tuple[Topic, str, str, str]] = [
    (
        Topic.YES,
        "Yes: we book it",
        "Wonderful, {first_name}! Which day and time suit you best? We will book it for you. "
        "{business} {location}",
        "Genial, {first_name}! ¿Qué día y hora te vienen mejor? Te lo reservamos. "
        "{business} {location}",
    ),
    (
        Topic.BOOK,
        "A time, booked already",
        "Hi {first_name}, you are booked for {starts_at}. Would you like another time? Tell us "
        "two that suit you, or ring {location_phone}. {business}",
        "Hola {first_name}, tienes cita el {starts_at}. ¿Quieres otra hora? Dinos dos que te "
        "vengan bien o llama al {location_phone}. {business}",
    ),
    (
        Topic.BOOK,
        "A time",
        "Hi {first_name}, gladly! Tell us two days and times that suit you and we will find a "
        "place, or ring {location_phone}. {business}",
        "Hola {first_name}, con gusto! Dinos dos días y horas que te vengan bien y buscamos un "
        "lugar, o llama al {location_phone}. {business}",
    ),
    (
        Topic.PRICE,
        "The price",
        "Hi {first_name}, tell us which service you have in mind and we will send you the price, "
        "or ring {location_phone}. {business}",
        "Hola {first_name}, dinos qué servicio te interesa y te enviamos el precio, o llama al "
        "{location_phone}. {business}",
    ),
    (
        Topic.HOURS,
        "Opening hours",
        "Hi {first_name}, which day would you like to come? We will tell you the hours of "
        "{location}, or ring {location_phone}. {business}",
        "Hola {first_name}, ¿qué día quieres venir? Te decimos el horario de {location}, o llama "
        "al {location_phone}. {business}",
    ),
    (
        Topic.PLACE,
        "Where we are",
        "Hi {first_name}, this is {business} {location}. Ring us at {location_phone} and we will "
        "guide you.",
        "Hola {first_name}, somos {business} {location}. Llama al {location_phone} y te guiamos.",
    ),
    (
        Topic.PLAN,
        "Plan and credits",
        "Hi {first_name}, your plan is {plan}, you have {unused_credits} credits left and it "
        "renews on {renews_on}. Questions? {location_phone}. {business}",
        "Hola {first_name}, tu plan es {plan}, te quedan {unused_credits} créditos y se renueva "
        "el {renews_on}. ¿Dudas? {location_phone}. {business}",
    ),
    (
        Topic.PLAN,
        "Plan",
        "Hi {first_name}, your plan is {plan}. We will look up the rest and ring you, or ring us "
        "at {location_phone}. {business}",
        "Hola {first_name}, tu plan es {plan}. Vemos lo demás y te llamamos, o llama al "
        "{location_phone}. {business}",
    ),
    (
        Topic.MOVE,
        "Move a visit",
        "Hi {first_name}, no problem. Which other day and time suit you? Or ring "
        "{location_phone}. {business}",
        "Hola {first_name}, no hay problema. ¿Qué otro día y hora te vienen bien? O llama al "
        "{location_phone}. {business}",
    ),
    (
        Topic.CANCEL,
        "Wants to cancel the plan",
        "Hi {first_name}, we have your wish to end your membership and pass it on today. You will "
        "hear from us when it is done. Questions: {location_phone}. {business}",
        "Hola {first_name}, recibimos tu deseo de terminar la membresía y hoy lo tramitamos. Te "
        "avisamos cuando esté hecho. Dudas: {location_phone}. {business}",
    ),
    (
        Topic.RESTART,
        "Start again",
        "Welcome back, {first_name}! We will ring you to set it up, or ring us at "
        "{location_phone}. {business}",
        "Qué alegría, {first_name}! Te llamamos para ponerlo en marcha, o llama al "
        "{location_phone}. {business}",
    ),
    (
        Topic.THANKS,
        "You are welcome",
        "You are very welcome, {first_name}! {business} {location}",
        "Con mucho gusto, {first_name}! {business} {location}",
    ),
]  # fmt: skip

_PLAIN = str.maketrans("áíóú", "aiou")  # é and ñ are in the SMS alphabet, these are not


def answer_rows() -> list[dict[str, Any]]:
    """Fields of the answers, one row per text, channel and language, without status."""
    return [
        {
            "slug": f"answer-{number:02d}-{topic}-{channel}-{language}",
            "name": name,
            "topic": topic,
            "channel": channel,
            "language": language,
            "subject": "",
            "body": text,
        }
        for number, (topic, name, english, spanish) in enumerate(_TEXTS, 1)
        for language, text in (("en", english), ("es", spanish.translate(_PLAIN)))
        for channel in (Channel.SMS, Channel.EMAIL)
    ]
