"""What a guest's answer means, by rule: stop, restart, help, a clear yes or no; the rest is for a
person.

English and Spanish. When in doubt whether somebody wants no more messages, the answer is yes: an
ambiguous text suppresses and goes to a person (INV-12). The words are in `outreach.stop_phrases`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from outreach.models import Reply
from outreach.reading import stop_phrases, suspicion, unwelcome
from outreach.texts.normal import disguises, plain

Intent = Reply.Intent

# Signs that say stop without a word, and those that soften nothing.
_STOP_SIGNS = re.compile("[\U0001f6d1\U0001f6ab\u26d4\u270b\U0001f515\U0001f590\U0001f4f5]")
_MARKS = re.compile(r"[^\w\s'\U0001f44d\U0001f44c\U0001f44e-]")
# So long a text is read no further for words that must stand alone.
_ALONE = 8
# So few words beside a sign that says stop add nothing to it.
_FEW = 3

# Whoever says one of these does not mean offers alone.
EVERYTHING = re.compile(
    r"\b(?:stop\s?all|all|every\w*|any|anything|ever|never|nunca|jamas|todo\w*|nada|number|numero|"
    r"phone|telefono|me alone|en paz|data|info\w*|datos|wrong|equivocad\w|do not contact)\b"
)
HELP = re.compile(r"^(?:help|help me|info|information|ayuda|informacion)$")
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
    everything: bool = False  # asks for silence whatever the message was about


def read(text: str) -> Reading:
    """What an answer means. Text that is not clearly yes, no, stop, help or restart is for a
    person. Raises suspicion.Refused."""
    reading = by_rule(text)
    if reading.intent == Intent.OTHER and (
        suspicion.is_suspicious(text) or suspicion.is_foreign(text)
    ):
        return _doubtful(text)
    return reading


def by_rule(text: str) -> Reading:
    """What the rules alone make of an answer."""
    bare = _bare(plain(text))
    if RESTART.match(bare):
        return Reading(Intent.RESTART, for_person=False, suppresses=False)
    if HELP.match(bare):
        return Reading(Intent.HELP, for_person=False, suppresses=False)
    if bare in YES_WORDS:
        return Reading(Intent.YES, for_person=False, suppresses=False)
    if not bare and _STOP_SIGNS.search(text):
        return Reading(Intent.STOP, for_person=False, suppresses=True)
    signed = unwelcome.SIGNS.search(text) is not None or (
        unwelcome.SOFTER_SIGNS.search(text) is not None and len(bare.split()) <= _FEW
    )
    if bare in NO_WORDS and not signed:
        return Reading(Intent.NO, for_person=False, suppresses=False)
    everything = _everything(text)
    views = _views(text)
    if any(_says_stop_alone(view) for view in (bare, *views)):
        return Reading(Intent.STOP, for_person=False, suppresses=True, everything=everything)
    said = [_other_matters(view) for view in views]
    # Clear enough to obey; where something else is said too, somebody should see to that part.
    if any(stop_phrases.CLEAR.search(view) for view in said):
        return Reading(
            Intent.STOP, for_person=said[0] != views[0], suppresses=True, everything=everything
        )
    if (
        any(unwelcome.UNWELCOME.search(view) for view in said)
        or any(unwelcome.run_together(view) for view in views)
        or signed
    ):
        return _doubtful(text)
    return Reading(Intent.OTHER, for_person=True, suppresses=False)


def _doubtful(text: str) -> Reading:
    """It may be a stop: silence, and a person looks."""
    return Reading(Intent.STOP, for_person=True, suppresses=True, everything=_everything(text))


def _everything(text: str) -> bool:
    return EVERYTHING.search(_bare(plain(text))) is not None


def _views(text: str) -> list[str]:
    """The words of a text as they stand and with every disguise taken off, spelt out."""
    bare = [_bare(view) for view in disguises(text)]
    return list(dict.fromkeys(unwelcome.spelt(view) for view in bare))


def _other_matters(view: str) -> str:
    """The words without what only sounds like stopping."""
    return unwelcome.ASIDE.sub(" , ", stop_phrases.HARMLESS.sub(" , ", view))


def _bare(text: str) -> str:
    """Words with single spaces, without punctuation."""
    return " ".join(_MARKS.sub(" ", text).split())


def _says_stop_alone(bare: str) -> bool:
    """Whether the text is a stop word and nothing but courtesies around it."""
    if bare in stop_phrases.STOP_WORDS:
        return True
    words = bare.replace("'", "").split()
    if len(words) > _ALONE:
        return False
    for courtesies in (stop_phrases.FILLERS, stop_phrases.FILLERS - {"no"}):
        kept = [word for word in words if word not in courtesies]
        # "stop stop stop" says it once.
        once = [word for n, word in enumerate(kept) if n == 0 or kept[n - 1] != word]
        if " ".join(once) in stop_phrases.STOP_WORDS:
            return True
        if len(once) == 1 and any(
            _within(once[0], word, edits=2) for word in stop_phrases.LONG_WORDS
        ):
            return True
    return False


def _within(typed: str, word: str, *, edits: int) -> bool:
    """Whether so many letters left out, added or exchanged lie between them (Levenshtein)."""
    if abs(len(typed) - len(word)) > edits:
        return False
    row = list(range(len(word) + 1))
    for i, letter in enumerate(typed, start=1):
        before, row[0] = row[0], i
        for j, wanted in enumerate(word, start=1):
            before, row[j] = (
                row[j],
                min(row[j] + 1, row[j - 1] + 1, before + (letter != wanted)),
            )
    return row[-1] <= edits
