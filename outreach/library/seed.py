"""The library a new business starts with: the at-risk check-in, its offers and its texts. Other
plays and their texts are in play_library.py; both are laid out here.

Offers say what they cost us when taken up and whom they suit. Texts are written as a person at the
desk would: short, warm, no pressure, no word of a score. Spanish texts keep to letters that the
plain SMS alphabet has, so that they cost no more than the English ones.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from audit import services as audit
from outreach import events
from outreach.answers.answer_library import answer_rows
from outreach.library import play_library
from outreach.models import Channel, LibraryStatus, Offer, Play, Step, Template
from outreach.texts.fields import field_names

AT_RISK = "at-risk-check-in"

PLAYS: list[dict[str, Any]] = [
    {
        "key": AT_RISK,
        "name": "At-risk check-in",
        "description": (
            "A member whose risk of leaving is high hears from us: a friendly word and the offer "
            "that answers the main reason."
        ),
        "is_marketing": True,
        "threshold": 75,
        "daily_limit": 25,
        "holdout_percent": 10,
        "draft_days": 5,
        "quiet_days": 30,
    },
    *play_library.PLAYS,
]

# What follows the first message, by play. The first step is the play's own message.
STEPS: dict[str, list[dict[str, Any]]] = {
    AT_RISK: [
        {"number": 1},
        {"number": 2, "wait_hours": 4 * 24, "cause": "follow_up", "with_offer": False},
        {
            "number": 3,
            "wait_hours": 3 * 24,
            "is_call": True,
            "note": "Two messages stayed unanswered: ask how the membership is going.",
        },
    ],
    **play_library.STEPS,
}

OFFERS: list[dict[str, Any]] = [
    {
        "name": "Complimentary upgrade on the next visit",
        "kind": Offer.Kind.UPGRADE,
        "wording": "a complimentary upgrade on your next visit",
        "translations": {"es": "un servicio mejorado, de regalo, en tu siguiente visita"},
        "cost_cents": 1_800,
        "causes": ["no_visits", "usage_drop", "dissatisfaction", "renewal_near", "season"],
        "rank": 10,
    },
    {
        "name": "20 % off the favourite category",
        "kind": Offer.Kind.PERCENT,
        "percent": 20,
        "wording": "20% off your next {favourite} booking",
        "translations": {"es": "un 20% menos en tu siguiente reserva de {favourite}"},
        "cost_cents": 2_200,
        "causes": ["price", "usage_drop", "no_visits", "cancellations"],
        "min_tenure_days": 60,
        "rank": 20,
    },
    {
        "name": "Add-on on the house",
        "kind": Offer.Kind.SERVICE,
        "wording": "an add-on of your choice on the house at your next visit",
        "translations": {"es": "un extra a elegir, de regalo, en tu siguiente visita"},
        "cost_cents": 1_200,
        "causes": ["dissatisfaction", "unused_benefits", "new_member", "usage_drop", "season"],
        "rank": 15,
    },
    {
        "name": "One month pause without fee",
        "kind": Offer.Kind.PAUSE,
        "wording": "a one month pause of your plan without a fee",
        "translations": {"es": "un mes de pausa de tu plan sin cargo"},
        "cost_cents": 2_500,
        "causes": ["price", "season", "cancellations"],
        "plan_kinds": ["recurring"],
        "min_tenure_days": 90,
        "again_after_days": 365,
        "rank": 40,
    },
    {
        "name": "$15 credit",
        "kind": Offer.Kind.CREDIT,
        "amount_cents": 1_500,
        "wording": "a $15 credit on your account",
        "translations": {"es": "un saldo de $15 en tu cuenta"},
        "cost_cents": 1_500,
        "causes": ["dissatisfaction", "price", "cancellations", "renewal_near"],
        "min_tenure_days": 30,
        "again_after_days": 365,
        "rank": 30,
    },
    {
        "name": "Bring a friend",
        "kind": Offer.Kind.SERVICE,
        "wording": "a guest pass so that a friend can join you",
        "translations": {"es": "un pase de invitado para venir con un amigo o amiga"},
        "cost_cents": 2_000,
        "causes": ["new_member", "season", "unused_benefits"],
        "rank": 35,
    },
    {
        "name": "15 extra minutes",
        "kind": Offer.Kind.UPGRADE,
        "wording": "15 extra minutes at your next visit",
        "translations": {"es": "15 minutos extra en tu siguiente visita"},
        "cost_cents": 900,
        "causes": ["no_visits", "usage_drop", "cancellations", "other"],
        "rank": 12,
    },
    {
        "name": "Words only",
        "kind": Offer.Kind.NONE,
        "wording": "",
        "cost_cents": 0,
        "again_after_days": 0,
        "causes": [],  # any: what is left when no other offer fits
        "rank": 99,
    },
    *play_library.OFFERS,
]

_STOP_EN = "Reply STOP to opt out."
_STOP_ES = "Responde STOP para darte de baja."

# (slug, name, cause, English, Spanish); the text names {offer} or comes without one
_SMS: list[tuple[str, str, str, str, str]] = [
    (
        "check-in-offer",
        "Check-in with an offer",
        "",
        "Hi {first_name}, it's {business} {location}. We would love to see you again, so there is "
        "{offer} waiting for you until {offer_until}. Shall we find you a time?",
        "Hola {first_name}, somos {business} {location}. Queremos verte de nuevo: te "
        "guardamos {offer} hasta el {offer_until}. ¿Te buscamos una hora?",
    ),
    (
        "check-in-words",
        "Check-in, words only",
        "",
        "Hi {first_name}, it's {business} {location}. Just checking in: is there anything we can "
        "do to make your membership work better for you? A short answer reaches us here.",
        "Hola {first_name}, somos {business} {location}. Queremos saber de ti: ¿hay algo que "
        "podamos mejorar en tu plan? Puedes responder a este mensaje.",
    ),
    (
        "away-offer",
        "Away for a while, with an offer",
        "no_visits",
        "Hi {first_name}, it's {business} {location}. It has been a while and we miss you. There "
        "is {offer} for you, until {offer_until}. Would a day this week suit you?",
        "Hola {first_name}, somos {business} {location}. Te echamos de menos. Te espera "
        "{offer}, hasta el {offer_until}. ¿Te viene bien esta semana?",
    ),
    (
        "away-words",
        "Away for a while, words only",
        "no_visits",
        "Hi {first_name}, it's {business} {location}. It has been a while and we would love to "
        "see you. Tell us a day that suits and we will find you a time.",
        "Hola {first_name}, somos {business} {location}. Hace tiempo que no te vemos. Dinos "
        "que fecha prefieres y te buscamos una hora.",
    ),
    (
        "unused-offer",
        "Benefits waiting, with an offer",
        "unused_benefits",
        "Hi {first_name}, it's {business} {location}. Your plan still holds {unused_credits} "
        "visits for you, and we add {offer} until {offer_until}. Shall we book one?",
        "Hola {first_name}, somos {business} {location}. Tu plan te guarda {unused_credits} "
        "visitas y le sumamos {offer} hasta el {offer_until}. ¿Reservamos una?",
    ),
    (
        "unused-words",
        "Benefits waiting, words only",
        "unused_benefits",
        "Hi {first_name}, it's {business} {location}. Your plan still holds {unused_credits} "
        "visits for you. Tell us a day that suits and we will book one.",
        "Hola {first_name}, somos {business} {location}. Tu plan te guarda {unused_credits} "
        "visitas. Dinos que fecha prefieres y reservamos una.",
    ),
    (
        "sorry-offer",
        "Making it right, with an offer",
        "dissatisfaction",
        "Hi {first_name}, it's {business} {location}. We would like your next visit to be a good "
        "one and set aside {offer} until {offer_until}. What could we do better? Just answer here.",
        "Hola {first_name}, somos {business} {location}. Queremos que tu siguiente visita sea "
        "buena: te guardamos {offer} hasta el {offer_until}. Dinos en que mejorar.",
    ),
    (
        "sorry-words",
        "Making it right, words only",
        "dissatisfaction",
        "Hi {first_name}, it's {business} {location}. We would like to get things right for you. "
        "May somebody from our team call you, or would you rather answer here?",
        "Hola {first_name}, somos {business} {location}. Queremos hacerlo mejor contigo. ¿Te "
        "llamamos o prefieres responder a este mensaje?",
    ),
    (
        "value-offer",
        "More for your plan, with an offer",
        "price",
        "Hi {first_name}, it's {business} {location}. We would like you to get more out of your "
        "membership: there is {offer} for you until {offer_until}. Want to use it?",
        "Hola {first_name}, somos {business} {location}. Queremos que tu plan te rinda: tienes "
        "{offer} hasta el {offer_until}. ¿Te apetece usarlo?",
    ),
    (
        "renewal-offer",
        "Before the renewal, with an offer",
        "renewal_near",
        "Hi {first_name}, it's {business} {location}. Your {plan} membership renews on "
        "{renews_on}. As a thank you there is {offer} until {offer_until}. Any wishes? "
        "Just answer.",
        "Hola {first_name}, somos {business} {location}. Tu plan {plan} se renueva el "
        "{renews_on}. Para darte las gracias: {offer} hasta el {offer_until}. ¿Hablamos?",
    ),
    (
        "renewal-words",
        "Before the renewal, words only",
        "renewal_near",
        "Hi {first_name}, it's {business} {location}. Your {plan} membership renews on "
        "{renews_on}. Is it still the right one for you? Tell us and we will look at it together.",
        "Hola {first_name}, somos {business} {location}. Tu plan {plan} se renueva el "
        "{renews_on}. ¿Sigue siendo el adecuado? Responde y lo vemos juntos.",
    ),
    (
        "welcome-offer",
        "New member, with an offer",
        "new_member",
        "Hi {first_name}, it's {business} {location}. How is your membership so far? To help you "
        "settle in there is {offer} until {offer_until}. Shall we book your next visit?",
        "Hola {first_name}, somos {business} {location}. ¿Que tal tu plan hasta ahora? Para "
        "empezar bien: {offer} hasta el {offer_until}. ¿Reservamos tu siguiente visita?",
    ),
    (
        "follow-up-words",
        "Second message, words only",
        "follow_up",
        "Hi {first_name}, {business} {location} again. No rush at all: if a visit would do you "
        "good this month, tell us a day that suits, and we will find you a time.",
        "Hola {first_name}, otra vez {business} {location}. Sin prisa: si te apetece una visita "
        "este mes, dinos que fecha prefieres y te buscamos una hora.",
    ),
    (
        "payment-words",
        "Payment needs a look, words only",
        "payment",
        # True of a card that expires soon as well as of a payment that failed.
        "Hi {first_name}, it's {business} {location}. A quick note about the card for your "
        "membership: please call {location_phone} or stop by, and we will sort it out together.",
        "Hola {first_name}, somos {business} {location}. Una nota breve sobre la tarjeta de tu "
        "plan: llama al {location_phone} o pasa a vernos y lo arreglamos.",
    ),
]  # fmt: skip

_EMAIL_EN_FOOT = (
    "\n\nWarm regards,\nThe team of {business}, {location}\n{postal_address}\n\n"
    "You get this because you are a member. To stop these e-mails, {way_out}."
)
_EMAIL_ES_FOOT = (
    "\n\nUn saludo cordial,\nEl equipo de {business}, {location}\n{postal_address}\n\n"
    "Recibes este correo porque eres miembro. Para no recibir más, {way_out}."
)
# (slug, name, cause, English subject, English, Spanish subject, Spanish)
_EMAIL: list[tuple[str, str, str, str, str, str, str]] = [
    (
        "mail-offer",
        "E-mail with an offer",
        "",
        "{first_name}, we would love to see you",
        "Hi {first_name},\n\nwe noticed that we have not seen as much of you lately, and we would "
        "like to change that. There is {offer} waiting for you at {location} until {offer_until}."
        "\n\nJust {reach_us}, and we will find you a time that suits.",
        "{first_name}, nos encantaría verte",
        "Hola {first_name}:\n\núltimamente te vemos menos y nos gustaría cambiarlo. En {location} "
        "te espera {offer} hasta el {offer_until}.\n\nSi te viene bien, {reach_us} "
        "y te buscamos una hora.",
    ),
    (
        "mail-words",
        "E-mail, words only",
        "",
        "How is your membership, {first_name}?",
        "Hi {first_name},\n\nwe would like to know how your membership is working for you. Is "
        "there a day, a therapist or a service that would suit you better? Tell us, and we will "
        "arrange it.\n\nJust {reach_us}.",
        "{first_name}, ¿qué tal tu plan?",
        "Hola {first_name}:\n\nqueremos saber si tu plan te va bien. ¿Hay un día, una persona o un "
        "servicio que te convenga más? Dínoslo y lo preparamos: "
        "{reach_us}.",
    ),
    (
        "mail-follow-up-words",
        "Second e-mail, words only",
        "follow_up",
        "Still here for you, {first_name}",
        "Hi {first_name},\n\nwe wrote to you a few days ago and do not want to press. If a visit "
        "would do you good this month, tell us a day that suits, and we will find you a time."
        "\n\nJust {reach_us}.",
        "{first_name}, seguimos a tu lado",
        "Hola {first_name}:\n\nte escribimos hace unos días y no queremos insistir. Si te apetece "
        "una visita este mes, dinos qué fecha prefieres y te buscamos una hora: "
        "{reach_us}.",
    ),
]


def template_rows() -> list[dict[str, Any]]:
    """All seeded templates as field values, each language one row."""
    rows: list[dict[str, Any]] = []
    for slug, name, cause, english, spanish in _SMS:
        for language, text, stop in (("en", english, _STOP_EN), ("es", spanish, _STOP_ES)):
            rows.append(
                {
                    "play_id": AT_RISK,
                    "slug": f"sms-{slug}-{language}",
                    "name": name,
                    "cause": cause,
                    "channel": Channel.SMS,
                    "language": language,
                    "subject": "",
                    "body": f"{text} {stop}",
                }
            )
    for slug, name, cause, subject_en, body_en, subject_es, body_es in _EMAIL:
        for language, subject, body in (
            ("en", subject_en, body_en + _EMAIL_EN_FOOT),
            ("es", subject_es, body_es + _EMAIL_ES_FOOT),
        ):
            rows.append(
                {
                    "play_id": AT_RISK,
                    "slug": f"{slug}-{language}",
                    "name": name,
                    "cause": cause,
                    "channel": Channel.EMAIL,
                    "language": language,
                    "subject": subject,
                    "body": body,
                }
            )
    return rows + play_library.rows()


def _seed_steps() -> None:
    """Lay out the steps of plays that have none."""
    bare = Play.objects.filter(pk__in=STEPS, steps__isnull=True)
    Step.objects.bulk_create(
        [Step(play=play, **row) for play in bare for row in STEPS[play.pk]], ignore_conflicts=True
    )


@transaction.atomic
def seed_library(*, by: AbstractBaseUser | None, now: datetime) -> dict[str, int]:
    """Lay out plays, offers and texts where they are missing. What staff changed stays; a second
    call changes nothing. Returns what was made."""
    plays = [Play(**row) for row in PLAYS]
    made_plays = len(plays) - Play.objects.filter(pk__in=[play.pk for play in plays]).count()
    Play.objects.bulk_create(plays, ignore_conflicts=True)
    _seed_steps()
    known_offers = set(Offer.objects.values_list("name", flat=True))
    offers = [
        Offer(status=LibraryStatus.ACTIVE, **row)
        for row in OFFERS
        if row["name"] not in known_offers
    ]
    Offer.objects.bulk_create(offers, ignore_conflicts=True)
    known_slugs = set(Template.objects.values_list("slug", flat=True))
    templates = [
        Template(status=LibraryStatus.ACTIVE, proposed_at=now, **row)
        for row in [*template_rows(), *answer_rows()]
        if row["slug"] not in known_slugs
    ]
    for template in templates:
        field_names(template.body)
    Template.objects.bulk_create(templates, ignore_conflicts=True)
    counts = {"plays": made_plays, "offers": len(offers), "templates": len(templates)}
    if any(counts.values()):
        audit.record(events.LIBRARY_SEEDED, at=now, by=by, detail=counts)
    return counts
