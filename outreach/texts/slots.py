"""Where a machine may word a text: the sentences of an approved template that carry nothing.

A sentence with a named field, the way out, the signature and whatever stands behind it are the
template's own and are filled by code. What is left are friendly sentences such as "Would a day this
week suit you?": those may be worded anew, one for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from outreach.texts import vocabulary, wording
from outreach.texts.fields import field_names, fill
from outreach.texts.normal import plain
from outreach.texts.text_checks import Text

MAX_SENTENCE = 160
_CUT = re.compile(r"(?<=[.!?])(\s+)|(\n+)")
_SIGNATURE = re.compile(r"\{postal_address\}|\bSTOP\b")
_WORDS = re.compile(r"[^\W\d_](?:[^\W_]|'(?=[^\W_]))*")
_WORD = re.compile(r"[^\W\d_]{2}")
_ENDS = re.compile(r"[.!?…]$")


@dataclass(frozen=True)
class Piece:
    """A sentence of a template, or the space between two; `is_free`: may be worded anew."""

    text: str
    is_free: bool


def pieces(template: str) -> list[Piece]:
    """The template in pieces; joined they are the template again."""
    parts = [part for part in _CUT.split(template) if part]
    signed = False
    found: list[Piece] = []
    for part in parts:
        signed = signed or bool(_SIGNATURE.search(part))
        is_free = not (signed or part.isspace() or field_names(part)) and _is_bare(part)
        found.append(Piece(part, is_free))
    return found


def _is_bare(sentence: str) -> bool:
    """It ends as a sentence and holds nothing the checks of words would look for."""
    said = plain(sentence)
    carries = (
        wording.BENEFIT, wording.NUMBERS, wording.LINKS, wording.WAY_OUT_WORDS, wording.CONTACT,
    )  # fmt: skip
    return bool(_ENDS.search(sentence)) and not any(pattern.search(said) for pattern in carries)


def free_sentences(template: str) -> list[str]:
    """The sentences that may be worded anew, in order."""
    return [piece.text for piece in pieces(template) if piece.is_free]


def compose(template: str, sentences: Sequence[str], values: Mapping[str, str]) -> str:
    """The template filled in, with `sentences` in place of its free ones. Raises ValueError when
    their number differs."""
    waiting = iter(sentences)
    words = [
        next(waiting) if piece.is_free else fill(piece.text, values) for piece in pieces(template)
    ]
    if next(waiting, None) is not None:
        raise ValueError("more sentences than places")
    return "".join(words)


def what_is_wrong(sentence: str, within: Text) -> str:
    """Why a sentence may not stand in a free place, in words for staff; empty when it may. Asked
    besides all checks of words: a machine's sentence carries nothing at all."""
    if not _WORD.search(sentence) or sentence != sentence.strip():
        return "an empty sentence"
    if len(sentence) > MAX_SENTENCE or "\n" in sentence:
        return "a sentence too long"
    if _CUT.search(sentence):
        return "more than one sentence"
    if not _ENDS.search(sentence):
        return "a sentence without an end"
    if "{" in sentence or any(character.isnumeric() for character in sentence):
        return "a number or a field"
    if wording.WAY_OUT_WORDS.search(plain(sentence)):
        return "words about stopping"
    if capitals := [word for word in within.added_capitals() if word in sentence]:
        return f"a name: {capitals[0]}"
    known = vocabulary.WORDS | set(_WORDS.findall(plain(within.library)))
    strange = [word for word in _WORDS.findall(plain(sentence)) if word not in known]
    return f"a word it may not use: {strange[0]}" if strange else ""
