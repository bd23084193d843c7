"""The plays a new business starts with beside the at-risk check-in: their rules, their steps and
their texts, step by step.

Which steps and why is in docs/outreach.md (The delivered sequences). Notes about a payment or a
card carry no offer: they are service, not marketing, and stay so only while they sell nothing.
Spanish texts keep to letters of the plain SMS alphabet; a number that may be out of date by the
second message stands only in the first.
"""

from __future__ import annotations

from typing import Any

from outreach.models import Channel, Leave, Offer

PAYMENT = "payment-recovery"
CARD = "card-expiring"
UNUSED = "unused-benefits"
WIN_BACK = "win-back"

DAY = 24  # hours

PLAYS: list[dict[str, Any]] = [
    {
        "key": PAYMENT,
        "name": "Payment recovery",
        "description": (
            "A member whose payment failed is told so, with the way to put it right; after two "
            "notes the desk calls, then a manager. The platform tries the card again by itself."
        ),
        "is_marketing": False,
        "threshold": 0,
        "daily_limit": 40,
        "holdout_percent": 10,
        "draft_days": 2,
        "quiet_days": 20,
        "leaves_on": [Leave.PAID, Leave.CARD, Leave.ENDED, Leave.NOTICE],
    },
    {
        "key": CARD,
        "name": "Card about to expire",
        "description": (
            "A member whose card will not be good any more at the next payment hears so before it "
            "fails."
        ),
        "is_marketing": False,
        "threshold": 0,
        "daily_limit": 40,
        "holdout_percent": 10,
        "draft_days": 3,
        "quiet_days": 60,
        "leaves_on": [Leave.PAID, Leave.CARD, Leave.ENDED, Leave.NOTICE],
    },
    {
        "key": UNUSED,
        "name": "Benefits waiting",
        "description": (
            "A member with benefits left who has not come for a month and has nothing booked is "
            "reminded of what is already paid for."
        ),
        "is_marketing": True,
        "threshold": 0,
        "daily_limit": 20,
        "holdout_percent": 10,
        "draft_days": 5,
        "quiet_days": 120,
        "leaves_on": [Leave.BOOKED, Leave.CAME, Leave.ENDED, Leave.NOTICE],
    },
    {
        "key": WIN_BACK,
        "name": "Win-back",
        "description": (
            "Somebody who left 30 to 90 days ago is asked back: first a word, then an offer, then "
            "a last word. RESTART as an answer becomes a task for the desk."
        ),
        "is_marketing": True,
        "threshold": 0,
        "daily_limit": 20,
        "holdout_percent": 10,
        "draft_days": 5,
        "quiet_days": 365,
        "wins_back": True,
        "leaves_on": [Leave.BOOKED, Leave.CAME, Leave.RENEWED],
    },
]

STEPS: dict[str, list[dict[str, Any]]] = {
    PAYMENT: [
        {"number": 1, "with_offer": False},
        {"number": 2, "wait_hours": 2 * DAY, "cause": "follow_up", "with_offer": False},
        {
            "number": 3,
            "wait_hours": 3 * DAY,
            "is_call": True,
            "note": "Payment still open after two notes: help with the card on the phone.",
        },
        {
            "number": 4,
            "wait_hours": 2 * DAY,
            "is_call": True,
            "note": "For a manager: payment open for a week. Pause, other terms, or let it end?",
        },
    ],
    CARD: [
        {"number": 1, "with_offer": False},
        {"number": 2, "wait_hours": 7 * DAY, "cause": "follow_up", "with_offer": False},
    ],
    UNUSED: [
        {"number": 1, "with_offer": False},
        {"number": 2, "wait_hours": 30 * DAY, "cause": "follow_up", "with_offer": False},
        {
            "number": 3,
            "wait_hours": 30 * DAY,
            "is_call": True,
            "note": "Three months with benefits unused: ask what would make coming easier.",
        },
    ],
    WIN_BACK: [
        {"number": 1, "with_offer": False},
        {"number": 2, "wait_hours": 3 * DAY, "cause": "follow_up"},
        {"number": 3, "wait_hours": 6 * DAY, "cause": "last_word", "with_offer": False},
    ],
}

OFFERS: list[dict[str, Any]] = [
    {
        "name": "Welcome back upgrade",
        "kind": Offer.Kind.UPGRADE,
        "wording": "a complimentary upgrade on your first visit back",
        "translations": {"es": "un servicio mejorado, de regalo, en tu primera visita de vuelta"},
        "cost_cents": 1_800,
        "plays": [WIN_BACK],
        "causes": ["left"],
        "again_after_days": 365,
        "rank": 10,
    }
]

# How to put a payment right, with the page of the business for it (PAYMENT_LINK) and without.
WAYS = {
    "en": {
        "link": "put a card in here: {payment_link} or call {location_phone}",
        "phone": "call {location_phone} or come by, and we sort it out together",
    },
    "es": {
        "link": "pon una tarjeta en {payment_link} o llama al {location_phone}",
        "phone": "llama al {location_phone} o pasa a vernos y lo arreglamos",
    },
}

# (play, slug, name, cause, English, Spanish); {way} stands for each of WAYS
SMS: list[tuple[str, str, str, str, str, str]] = [
    (
        PAYMENT,
        "payment-failed",
        "Payment failed",
        "payment",
        "Hi {first_name}, it's {business} {location}. The last payment for your membership did not "
        "go through. To put it right, {way}.",
        "Hola {first_name}, somos {business} {location}. El cobro de tu plan no se hizo. Para "
        "ponerlo en orden, {way}.",
    ),
    (
        PAYMENT,
        "payment-still-open",
        "Payment still open",
        "follow_up",
        "Hi {first_name}, {business} {location} again about the payment for your membership. It is "
        "still open: {way}.",
        "Hola {first_name}, otra vez {business} {location} por el cobro de tu plan. Sigue "
        "pendiente: {way}.",
    ),
    (
        CARD,
        "card-soon",
        "Card about to expire",
        "card",
        "Hi {first_name}, it's {business} {location}. The card we have for your membership is "
        "dated {card_until}. Before the next payment, {way}.",
        "Hola {first_name}, somos {business} {location}. La tarjeta de tu plan lleva la fecha "
        "{card_until}. Antes del siguiente cobro, {way}.",
    ),
    (
        CARD,
        "card-again",
        "Card about to expire, second note",
        "follow_up",
        "Hi {first_name}, {business} {location} again about the card for your membership. If you "
        "have a new one, {way}.",
        "Hola {first_name}, otra vez {business} {location} por la tarjeta de tu plan. Si tienes "
        "una nueva, {way}.",
    ),
    (
        UNUSED,
        "benefits-waiting",
        "Benefits waiting",
        "unused_benefits",
        "Hi {first_name}, it's {business} {location}. There are visits in your {plan} plan that "
        "wait for you ({unused_credits}). Tell us a day that suits and we will find you a time.",
        "Hola {first_name}, somos {business} {location}. En tu plan {plan} te esperan visitas "
        "({unused_credits}). Dinos que fecha prefieres y te buscamos una hora.",
    ),
    (
        UNUSED,
        "benefits-still-waiting",
        "Benefits still waiting",
        "follow_up",
        "Hi {first_name}, {business} {location} again. The visits in your plan are still yours to "
        "use. What suits you better, a weekday or the weekend? Answer here and we will send you "
        "two times.",
        "Hola {first_name}, otra vez {business} {location}. Las visitas de tu plan siguen siendo "
        "tuyas. ¿Te va mejor entre semana o el fin de semana? Responde y te damos dos horas.",
    ),
    (
        WIN_BACK,
        "door-open",
        "We would like you back",
        "left",
        "Hi {first_name}, it's {business} {location}. It has been a while since your membership "
        "ended. If you would like to come back, answer RESTART and we will set it up with you. Or "
        "tell us what we could do better.",
        "Hola {first_name}, somos {business} {location}. Hace un tiempo que ya no tienes plan. Si "
        "quieres volver, responde RESTART y lo preparamos contigo. O dinos en que mejorar.",
    ),
    (
        WIN_BACK,
        "back-with-offer",
        "Back, with an offer",
        "follow_up",
        "Hi {first_name}, {business} {location} again. If you start anew, there is {offer} for you "
        "until {offer_until}. Answer RESTART and we will do the rest.",
        "Hola {first_name}, otra vez {business} {location}. Si vuelves, te espera {offer} hasta el "
        "{offer_until}. Responde RESTART y hacemos el resto.",
    ),
    (
        WIN_BACK,
        "last-word",
        "The door stays open",
        "last_word",
        "Hi {first_name}, {business} {location} here. We will not write about it again: whenever "
        "you feel like coming back, answer RESTART or call {location_phone}.",
        "Hola {first_name}, somos {business} {location}. No volvemos a insistir: cuando quieras "
        "volver, responde RESTART o llama al {location_phone}.",
    ),
]

# (play, slug, name, cause, English subject, English, Spanish subject, Spanish)
EMAIL: list[tuple[str, str, str, str, str, str, str, str]] = [
    (
        PAYMENT,
        "payment-failed",
        "Payment failed",
        "payment",
        "About the payment for your membership",
        "Hi {first_name},\n\nthe last payment for your membership at {location} did not go "
        "through. To put it right, {way}.",
        "Sobre el pago de tu plan",
        "Hola {first_name}:\n\nel último cobro de tu plan en {location} no se hizo. Para ponerlo "
        "en orden, {way}.",
    ),
    (
        PAYMENT,
        "payment-still-open",
        "Payment still open",
        "follow_up",
        "The payment for your membership is still open",
        "Hi {first_name},\n\nwe wrote to you two days ago about the payment for your membership. "
        "It is still open: {way}.",
        "El pago de tu plan sigue pendiente",
        "Hola {first_name}:\n\nte escribimos hace dos días por el cobro de tu plan. Sigue "
        "pendiente: {way}.",
    ),
    (
        CARD,
        "card-soon",
        "Card about to expire",
        "card",
        "The card for your membership",
        "Hi {first_name},\n\nthe card we have for your membership at {location} is dated "
        "{card_until}. Before the next payment, {way}.",
        "La tarjeta de tu plan",
        "Hola {first_name}:\n\nla tarjeta de tu plan en {location} lleva la fecha {card_until}. "
        "Antes del siguiente cobro, {way}.",
    ),
    (
        CARD,
        "card-again",
        "Card about to expire, second note",
        "follow_up",
        "Once more about the card for your membership",
        "Hi {first_name},\n\na week ago we wrote to you about the card for your membership. If you "
        "have a new one, {way}.",
        "Otra vez sobre la tarjeta de tu plan",
        "Hola {first_name}:\n\nhace una semana te escribimos por la tarjeta de tu plan. Si tienes "
        "una nueva, {way}.",
    ),
    (
        UNUSED,
        "benefits-waiting",
        "Benefits waiting",
        "unused_benefits",
        "{first_name}, your visits wait for you",
        "Hi {first_name},\n\nthere are visits in your {plan} plan that wait for you "
        "({unused_credits}), already paid for.\n\nTell us a day that suits, and we will find you a "
        "time.",
        "{first_name}, tus visitas te esperan",
        "Hola {first_name}:\n\nen tu plan {plan} te esperan visitas ({unused_credits}), ya "
        "pagadas.\n\nDinos qué fecha prefieres y te buscamos una hora.",
    ),
    (
        UNUSED,
        "benefits-still-waiting",
        "Benefits still waiting",
        "follow_up",
        "Which day would suit you, {first_name}?",
        "Hi {first_name},\n\nthe visits in your plan are still yours to use. What suits you "
        "better, a weekday or the weekend?\n\nJust {reach_us}, and we will find you two times.",
        "{first_name}, ¿qué día te va mejor?",
        "Hola {first_name}:\n\nlas visitas de tu plan siguen siendo tuyas. ¿Te va mejor entre "
        "semana o el fin de semana?\n\nCuando quieras, {reach_us} y te damos dos horas.",
    ),
    (
        WIN_BACK,
        "door-open",
        "We would like you back",
        "left",
        "{first_name}, we would like you back",
        "Hi {first_name},\n\nit has been a while since your membership ended. If you would like to "
        "come back, {reach_us} and we will set it up with you.\n\nIf something was not right, tell "
        "us.",
        "{first_name}, nos gustaría que volvieras",
        "Hola {first_name}:\n\nhace un tiempo que ya no tienes plan. Si quieres volver, "
        "{reach_us} y lo preparamos contigo.\n\nSi algo no estuvo bien, dínoslo.",
    ),
    (
        WIN_BACK,
        "back-with-offer",
        "Back, with an offer",
        "follow_up",
        "Something for your first visit back, {first_name}",
        "Hi {first_name},\n\nif you start anew, there is {offer} for you until {offer_until}."
        "\n\nJust {reach_us}, and we will do the rest.",
        "Algo para tu primera visita de vuelta, {first_name}",
        "Hola {first_name}:\n\nsi vuelves, te espera {offer} hasta el {offer_until}.\n\nSolo "
        "{reach_us} y hacemos el resto.",
    ),
    (
        WIN_BACK,
        "last-word",
        "The door stays open",
        "last_word",
        "The door stays open, {first_name}",
        "Hi {first_name},\n\nwe will not write about it again. Whenever you feel like coming back, "
        "{reach_us}.",
        "{first_name}, la puerta sigue abierta",
        "Hola {first_name}:\n\nno volvemos a insistir. Cuando quieras volver, {reach_us}.",
    ),
]

_STOP = {"en": "Reply STOP to opt out.", "es": "Responde STOP para darte de baja."}
_WHO = {
    # Who gets it and why is said truly: a guest of the win-back is no member any more.
    "en": {WIN_BACK: "you were a member", "": "you are a member"},
    "es": {WIN_BACK: "tuviste un plan con nosotros", "": "eres miembro"},
}
_FOOT = {
    "en": (
        "\n\nWarm regards,\nThe team of {business}, {location}\n{postal_address}\n\n"
        "You get this because %s. To stop these e-mails, {way_out}."
    ),
    "es": (
        "\n\nUn saludo cordial,\nEl equipo de {business}, {location}\n{postal_address}\n\n"
        "Recibes este correo porque %s. Para no recibir más, {way_out}."
    ),
}


def rows() -> list[dict[str, Any]]:
    """The texts as field values of templates: a row per language, and per way to pay."""
    found: list[dict[str, Any]] = []
    for play, slug, name, cause, english, spanish in SMS:
        for language, text in (("en", english), ("es", spanish)):
            body = f"{text} {_STOP[language]}"
            found += _ways("sms", play, slug, name, cause, language, "", body)
    for play, slug, name, cause, subject_en, english, subject_es, spanish in EMAIL:
        for language, subject, text in (("en", subject_en, english), ("es", subject_es, spanish)):
            who = _WHO[language].get(play, _WHO[language][""])
            body = text + _FOOT[language] % who
            found += _ways("mail", play, slug, name, cause, language, subject, body)
    return found


def _ways(
    prefix: str,
    play: str,
    slug: str,
    name: str,
    cause: str,
    language: str,
    subject: str,
    body: str,
) -> list[dict[str, Any]]:
    """One text, or one with the link and one without: in their order, the link comes first."""
    ways = WAYS[language] if "{way}" in body else {"": ""}
    return [
        {
            "play_id": play,
            "slug": "-".join(filter(None, [prefix, slug, way, language])),
            "name": f"{name}, {way}" if way else name,
            "cause": cause,
            "channel": Channel.SMS if prefix == "sms" else Channel.EMAIL,
            "language": language,
            "subject": subject,
            "body": body.replace("{way}", words),
        }
        for way, words in ways.items()
    ]
