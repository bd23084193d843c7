"""What a guest's answer means, by rule: stop, restart, a clear yes or no; the rest is for a person.

English and Spanish. When in doubt whether somebody wants no more messages, the answer is yes: an
ambiguous text suppresses and goes to a person (INV-12).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from outreach.models import Reply
from outreach.normal import plain

Intent = Reply.Intent

# Alone in a message, these always count.
STOP_WORDS = {
    "stop", "stopall", "stop all", "quit", "end", "revoke", "opt out", "optout", "opt-out",
    "cancel", "unsubscribe", "stop it", "stop please", "please stop", "remove", "remove me",
    "unsub", "stopp", "sotp", "stpo", "no more", "leave me alone", "fuck off", "go away",
    "alto", "parar", "para", "basta", "baja", "darme de baja", "dar de baja", "cancelar", "fin",
    "detener", "salir", "no mas", "quitar", "eliminar", "borrar", "ya no", "dejame en paz",
}  # fmt: skip

# Anywhere in a message, these clearly ask for silence.
STOP_PHRASES = re.compile(
    r"\b(?:"
    # English
    r"(?:stop|quit|cease|end|halt)\s+(?:\w+\s+){0,2}?(?:text\w*|messag\w*|msgs?|sms|e-?mail\w*|"
    r"contact\w*|writing|bothering|sending|spamming|harassing|calling|these|this)|"
    r"(?:do not|don't|dont|never|no longer|not)\s+(?:ever\s+|want\s+(?:you\s+)?to\s+(?:\w+\s+)?|"
    r"(?:like|wish)\s+to\s+|(?:be\s+)?)?(?:text|message|msg|contact\w*|write|e-?mail|bother|sms|"
    r"receive|hear from|get)\b|"
    r"(?:take|get|delete|remove|drop|scratch|pull)\s+(?:me|my\s+(?:number|phone|e-?mail|name|"
    r"address|info))\s*(?:off|out|from|please|now|$)|"
    r"(?:take|get)\s+me\s+off|"
    r"(?:lose|delete|forget|erase)\s+(?:my|this)\s+(?:number|phone|contact|info)|"
    r"opt(?:ing|ed)?[\s-]*(?:me\s+)?out|unsubscrib\w*|unenroll|"
    r"no more\s+(?:text\w*|messag\w*|sms|e-?mail\w*|offers|ads|promo\w*|spam|of (?:this|these))|"
    r"(?:revoke|withdraw\w*)\s+(?:\w+\s+){0,2}consent|"
    r"(?:leave|let)\s+me\s+(?:alone|be)|"
    r"(?:not|no longer)\s+interested\s+in\s+(?:\w+\s+){0,2}(?:text\w*|messag\w*|offers|promo\w*)|"
    r"(?:this is|is this|you're|you are)\s+(?:\w+\s+)?(?:spam\w*|harass\w*)|report(?:ing)? (?:you|"
    r"this|as spam)|"
    r"(?:wrong|incorrect)\s+(?:number|person)|who is this\??\s+stop|"
    # Spanish
    r"(?:no|ya no|nunca)\s+(?:me|nos)?\s*(?:quiero|queremos|deseo|deseamos)\s+(?:recibir|que\s+me|"
    r"mas)|"
    r"(?:no|ya no|nunca)\s+(?:me|nos)\s+(?:mas\s+)?(?:escriba\w*|mande\w*|envie\w*|contacte\w*|"
    r"moleste\w*|llame\w*|texte\w*|vuelva\w*\s+a)|"
    r"(?:deje\w*|para|pare|paren|parad|basta)\s+(?:ya\s+)?(?:de|con)\s+(?:los\s+|tantos\s+)?"
    r"(?:escribir\w*|mandar\w*|enviar\w*|molestar\w*|contactar\w*|mensajes|correos|textos|esto)|"
    r"(?:dar|darme|denme|dame|dad|deme|dese|darnos)\s+(?:me\s+)?de baja|(?:la|mi)\s+baja|"
    r"(?:borr|elimin|quit|sac)\w*\s+(?:de\s+)?(?:mi|me|este)\s*(?:numero|telefono|correo|nombre|"
    r"lista|datos|de\b)?|"
    r"(?:borr|elimin|quit|saqu)\w*me\b|"
    r"no mas\s+(?:mensajes|textos|correos|sms|publicidad|ofertas)|"
    r"(?:dejame|dejenme|dejeme|dejadme)\s+(?:en paz|tranquil\w+)|"
    r"cancel\w*\s+(?:\w+\s+){0,2}(?:mensajes|suscripcion|correos|textos|sms)|"
    r"numero equivocado|persona equivocada|revoco|retiro mi consentimiento|esto es (?:spam|acoso)"
    r")"
)

# Words that may mean silence or something else: an appointment, a plan. Suppress, then ask.
DOUBTFUL = re.compile(
    r"\b(?:stop|quit|unsub\w*|cancel\w*|revoke|remove|opt|spam|enough|harass\w*|annoy\w*|"
    r"too many (?:text\w*|messages|e-?mails)|sick of|tired of|"
    r"basta|baja|cancelar|cancele\w*|cancela|detener|pares|paren|molest\w*|hart[oa]|"
    r"demasiados (?:mensajes|correos|textos)|acoso)\b"
)
# An unmistakably other meaning of a doubtful word: about a booking or a visit.
HARMLESS = re.compile(
    r"\b(?:stop(?:ping)?\s+by|stop\s+in\b|non-?stop|can't stop|cant stop|"
    r"(?:cancel|move|change|reschedule|cancelar|cambiar|mover)\s+(?:\w+\s+){0,2}(?:appointment|"
    r"appt|booking|visit|session|cita|reserva|visita|sesion|turno)|"
    r"appointment\s+(?:\w+\s+){0,2}cancel\w*|remove\s+(?:\w+\s+){0,2}(?:polish|hair|makeup|nail\w*)|"
    r"hair removal|good enough|enough time)\b"
)

RESTART = re.compile(r"^(?:start|unstop|restart|resume|subscribe|empezar|iniciar|reanudar|alta)$")
YES_WORDS = {
    "yes", "y", "yeah", "yep", "yup", "yes please", "sure", "ok", "okay", "k", "of course",
    "sounds good", "sounds great", "absolutely", "definitely", "please do", "please", "perfect",
    "great", "yes thanks", "yes thank you", "ok thanks", "sure thing", "i'm in", "im in",
    "count me in", "lets do it", "let's do it", "book it", "book me", "confirm", "confirmed",
    "si", "si por favor", "claro", "claro que si", "vale", "de acuerdo", "por supuesto", "perfecto",
    "dale", "bueno", "esta bien", "si gracias", "confirmo", "genial", "me parece bien", "👍", "👌",
}  # fmt: skip
NO_WORDS = {
    "no", "n", "nope", "nah", "no thanks", "no thank you", "not now", "not today",
    "not right now", "maybe later", "i'm good", "im good", "not interested", "no i'm good",
    "no gracias", "ahora no", "por ahora no", "hoy no", "tal vez luego", "mas tarde", "👎",
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """The intent, whether a person should look, and whether to stop writing."""

    intent: Reply.Intent
    for_person: bool
    suppresses: bool


def read(text: str) -> Reading:
    """What an answer means. Text that is not clearly yes, no, stop or restart is for a person."""
    words = re.sub(r"[^\w\s'👍👌👎-]", " ", plain(text))
    bare = " ".join(words.split())
    if RESTART.match(bare):
        return Reading(Intent.RESTART, for_person=False, suppresses=False)
    if bare in STOP_WORDS:
        return Reading(Intent.STOP, for_person=False, suppresses=True)
    harmless = HARMLESS.search(bare) is not None
    if STOP_PHRASES.search(bare):
        # Clear enough to obey; about a booking as well, somebody should see to that part.
        return Reading(Intent.STOP, for_person=harmless, suppresses=True)
    if bare in YES_WORDS:
        return Reading(Intent.YES, for_person=False, suppresses=False)
    if bare in NO_WORDS:
        return Reading(Intent.NO, for_person=False, suppresses=False)
    if DOUBTFUL.search(bare) and not harmless:
        return Reading(Intent.STOP, for_person=True, suppresses=True)
    return Reading(Intent.OTHER, for_person=True, suppresses=False)
