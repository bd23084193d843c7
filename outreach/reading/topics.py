"""What an answer for a person is about, by plain rules in English and Spanish.

It orders the inbox and picks the suggested answer; it never answers by itself. Where two subjects
meet, or the guest is upset or speaks of their health, nothing is suggested: a person writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from outreach.models import Reply, Topic
from outreach.reading.intents import Reading
from outreach.texts.normal import plain

# The lowest is dealt with first: what a law gives a time for, then what hurts if it waits.
RANK: dict[str, int] = {
    Topic.CANCEL: 0,
    Topic.SILENCE: 1,
    Topic.COMPLAINT: 1,
    Topic.MOVE: 1,
    Topic.THANKS: 3,
}
USUAL_RANK = 2
# Words alone do not settle these: something is to be done, and somebody says that it is.
TASKS = {Topic.CANCEL, Topic.RESTART}
CLOSES = time(18)  # local; until then a request of the last business day is in time


@dataclass(frozen=True)
class About:
    """The topic, the language it was written in (empty: not told), and whether a suggested answer
    fits."""

    topic: Topic
    language: str
    suggests: bool


def _any(*words: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(words) + r")")


_FEW = r"(?:\s+[\w']+){0,4}?\s+"  # at most four words between
_PLAN_EN = r"(?:memberships?|plan|subscription|contract|account|auto[\s-]?renew\w*|monthly)\b"
_PLAN_ES = r"(?:membresia|plan|suscripcion|contrato|cuenta|cuota|mensualidad)\b"
_VISIT_EN = r"(?:appointments?|appt|bookings?|visits?|sessions?|reservation|it\b|my time)"
_VISIT_ES = r"(?:citas?|reservas?|visitas?|sesion|turno|hora)"

# In the order they win.
STRONG: list[tuple[Topic, str, re.Pattern[str]]] = [
    (
        Topic.CANCEL,
        "en",
        _any(
            r"(?:cancel\w*|end|stop|quit|terminate|close|leave|get out of|drop|discontinue)"
            + _FEW + _PLAN_EN,
            r"(?:cancel|end|stop|quit) (?:membership|plan|subscription)\b",
            r"(?:do not|don't|dont|no longer) (?:want|need|wish)" + _FEW + _PLAN_EN,
            r"(?:do not|don't|dont|no longer) (?:want|wish) to be a member",
            r"stop (?:charging|billing) (?:me|my)",
            r"do(?: not|n't) renew",
        ),
    ),
    (
        Topic.CANCEL,
        "es",
        _any(
            r"(?:cancel\w*|termin\w*|finaliz\w*|anul\w*|cerrar|dejar|"
            r"(?:dar|den|de|dame)(?:me|nos|le)? de baja)" + _FEW + _PLAN_ES,
            r"(?:cancelar|anular|terminar) " + _PLAN_ES,
            r"(?:dejen|deje|paren) de cobrar\w*",
            r"no quiero (?:seguir|continuar|renovar)",
            r"ya no quiero" + _FEW + _PLAN_ES,
        ),
    ),
    (
        Topic.COMPLAINT,
        "en",
        _any(
            r"(?:not|un)\s?happy", r"disappoint", r"terribl", r"awful", r"horribl", r"rude\b",
            r"the worst", r"overcharg", r"charged (?:me )?(?:twice|again|double)", r"refund",
            r"complain", r"ridiculous", r"angry", r"upset", r"unacceptable", r"lawyer",
            r"never coming back", r"waste of", r"unprofessional", r"ripped? off", r"scam",
            r"why do you keep", r"still paying", r"you again", r"damn\w*", r"wtf\b", r"shit\w*",
        ),
    ),
    (
        Topic.COMPLAINT,
        "es",
        _any(
            r"pesim", r"queja", r"enojad", r"molest[ao]\b", r"decepcion", r"reembols",
            r"cobraron (?:dos veces|de mas|doble|otra vez)", r"devuelv", r"groser", r"inaceptable",
            r"estafa", r"por que me escriben", r"ya no lo uso", r"horrible", r"una verguenza",
        ),
    ),
    # The body is a matter for people: nothing is suggested.
    (
        Topic.OTHER,
        "en",
        _any(
            r"injur", r"doctor", r"surger", r"pregnan", r"hospital", r"allerg", r"rash\b",
            r"burn(?:ed|t)?\b", r"infect", r"bruis", r"broke my", r"medicat", r"died\b", r"funeral",
        ),
    ),
    (
        Topic.OTHER,
        "es",
        _any(
            r"lesion", r"medico\b", r"medica\b", r"cirugia", r"operacion", r"embaraz", r"hospital",
            r"alergi", r"quemad", r"infeccion", r"fallecio", r"funeral",
        ),
    ),
    (
        Topic.MOVE,
        "en",
        _any(
            r"(?:cancel|move|change|reschedul\w*|push|switch|postpone)" + _FEW + _VISIT_EN,
            r"(?:cancel|move|change|reschedule|postpone) " + _VISIT_EN,
            r"(?:can't|cant|cannot|can not|won't|not able to)\s+(?:make|come|be there)",
            r"something came up", r"running (?:\w+ )?late", r"do next week instead",
        ),
    ),
    (
        Topic.MOVE,
        "es",
        _any(
            r"(?:cancel\w*|cambi\w*|mover|posponer|reprogramar)" + _FEW + _VISIT_ES,
            r"(?:cancelar|cambiar|mover) " + _VISIT_ES,
            r"no (?:puedo|podre|voy a poder) (?:ir|llegar|asistir)", r"la podemos cambiar",
            r"tengo que cancelar", r"llego tarde",
        ),
    ),
]  # fmt: skip
# One of these alone is clear enough for a suggestion; two are not.
MILD: list[tuple[Topic, str, re.Pattern[str]]] = [
    (
        Topic.PRICE,
        "en",
        _any(r"how much", r"price\w*", r"pricing", r"costs?\b", r"what do you charge", r"rates?\b"),
    ),
    (
        Topic.PRICE,
        "es",
        _any(r"cuanto (?:cuesta|vale|es|sale|cobran)", r"precios?\b", r"costo", r"tarifa"),
    ),
    (
        Topic.HOURS,
        "en",
        _any(
            r"(?:what|which) (?:time|hours) (?:do|are) you (?:open|close)", r"are you open",
            r"(?:opening|business|closing) (?:hours|times?)", r"your hours",
            r"when do you (?:open|close)", r"how late are you",
        ),
    ),
    (
        Topic.HOURS,
        "es",
        _any(
            r"(?:a )?que hora (?:abren|cierran)", r"horarios?\b", r"estan abiertos",
            r"cuando (?:abren|cierran)", r"abren (?:el|los|hoy|manana)",
        ),
    ),
    (
        Topic.PLACE,
        "en",
        _any(
            r"where are you", r"(?:your|the) address", r"directions", r"parking", r"located",
            r"how do i get there",
        ),
    ),
    (
        Topic.PLACE,
        "es",
        _any(r"donde (?:estan|queda|es)\b", r"direccion", r"estacionamiento", r"como llego"),
    ),
    (
        Topic.PLAN,
        "en",
        _any(
            r"memberships?\b", r"my plan\b", r"credits?\b", r"renew", r"balance\b", r"benefits?\b",
            r"freeze", r"pause\b", r"expire", r"how long is", r"included\b",
        ),
    ),
    (
        Topic.PLAN,
        "es",
        _any(
            r"membresia", r"mi plan\b", r"creditos?\b", r"saldo\b", r"renov", r"incluid",
            r"congelar", r"pausa", r"vence", r"hasta cuando", r"valid[oa]\b",
        ),
    ),
    (
        Topic.BOOK,
        "en",
        _any(
            r"book\b", r"booking\b", r"appointment", r"availab", r"openings?\b", r"slots?\b",
            r"schedule\b", r"come (?:in|by|on|at)\b", r"what times?\b(?! do you (?:open|close))",
            r"can i come", r"do you have (?:anything|any time|space|room)", r"fit me in",
            r"next (?:week|mon|tue|wed|thu|fri|sat|sun)\w*", r"tomorrow\b",
            r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b",
        ),
    ),
    (
        Topic.BOOK,
        "es",
        _any(
            r"reserv", r"agendar", r"una cita", r"disponib", r"que horas? tienen", r"puedo ir",
            r"tienen (?:algo|lugar|espacio|hora)", r"manana\b(?! no)", r"proxima semana",
            r"(?:el|este|para el) (?:lunes|martes|miercoles|jueves|viernes|sabado|domingo)",
        ),
    ),
]  # fmt: skip
_THANKS = (
    ("en", r"(?:ok(?:ay)? )?(?:many |so much )?(?:thanks?|thank you|thx|ty|appreciate)\b.{0,40}"),
    ("es", r"(?:ok |vale )?(?:muchas |mil )?gracias\b.{0,40}"),
)
_LOUD = re.compile(r"!{3,}|\?!|!\?")


def read(text: str, reading: Reading) -> About:
    """The topic of an answer whose intent was read before. Call it for answers a person must see,
    and for a clear yes."""
    words = plain(text)
    if reading.intent == Reply.Intent.YES:
        return About(Topic.YES, _language(words), suggests=True)
    if reading.intent == Reply.Intent.RESTART:
        return About(Topic.RESTART, _language(words), suggests=True)
    for topic, language, pattern in STRONG:
        if pattern.search(words):
            suggests = topic in (Topic.CANCEL, Topic.MOVE)
            return About(topic, language, suggests=suggests and not _shouts(text))
    if reading.suppresses:
        return About(Topic.SILENCE, _language(words), suggests=False)
    if _shouts(text):
        return About(Topic.COMPLAINT, _language(words), suggests=False)
    found = {topic: language for topic, language, pattern in MILD if pattern.search(words)}
    if Topic.HOURS in found:
        found.pop(Topic.BOOK, None)  # the day asked about is part of the question
    if len(found) == 1:
        topic, language = found.popitem()
        return About(topic, language, suggests=True)
    if not found and "?" not in text:
        for language, pattern_text in _THANKS:
            if re.fullmatch(pattern_text, re.sub(r"[^\w\s']", " ", words).strip()):
                return About(Topic.THANKS, language, suggests=True)
    return About(Topic.OTHER, _language(words), suggests=False)


def _shouts(text: str) -> bool:
    """Three exclamation marks, or a sentence in capitals."""
    letters = [c for c in text if c.isalpha()]
    capitals = len(letters) >= 15 and sum(c.isupper() for c in letters) > 0.8 * len(letters)
    return capitals or _LOUD.search(text) is not None


_SPANISH = re.compile(
    r"\b(?:el|la|los|las|que|de|para|por|una|mi|me|es|con|si|gracias|hola|claro|quiero|puedo|"
    r"favor|cita|cuando|donde|como)\b"
)
_ENGLISH = re.compile(
    r"\b(?:the|is|are|to|you|i|my|of|for|and|what|how|can|do|please|thanks|yes|no|it|that)\b"
)


def _language(words: str) -> str:
    spanish, english = len(_SPANISH.findall(words)), len(_ENGLISH.findall(words))
    return "es" if spanish > english else "en" if english > spanish else ""


def rank_of(topic: str) -> int:
    """Where a topic stands in the inbox; 0 comes first."""
    return RANK.get(topic, USUAL_RANK)


def due_at(topic: str, received_at: datetime, zone: ZoneInfo) -> datetime | None:
    """Until when a request must be passed on: a wish to cancel by the end of the next business day
    (Monday to Friday), 18:00 there. California AB 2863 gives a voicemail request one business day;
    a text is held to the same. Other topics have no time of law: None."""
    if topic != Topic.CANCEL:
        return None
    on = received_at.astimezone(zone).date() + timedelta(days=1)
    while on.weekday() > 4:
        on += timedelta(days=1)
    return datetime.combine(on, CLOSES, tzinfo=zone)
