"""What may happen, in words: every app names its events and says the sentence staff read.

Call `register` and `register_names` from an AppConfig's `ready`. A sentence may use `{actor}`,
`{target}`, `{guest}`, `{location}` and the keys of the entry's detail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping

Names = Callable[[Collection[int]], Mapping[int, str]]
Plays = Callable[[], Iterable[tuple[str, str]]]

_NAME = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+\Z")
_sentences: dict[str, str] = {}
_names: dict[str, Names] = {}
_plays: list[Plays] = []
_words: dict[str, Callable[[str], str]] = {}


class UnknownEvent(Exception):
    """An event that no app has registered was about to be written."""


def register(sentences: Mapping[str, str]) -> None:
    """Add events with their sentences. A name belongs to one app: a second meaning is an error."""
    for event, sentence in sentences.items():
        if not _NAME.match(event):
            raise ValueError(f"{event!r} is not a lower-case dotted name such as draft.created.")
        if _sentences.setdefault(event, sentence) != sentence:
            raise ValueError(f"The event {event} is registered with two sentences.")


def register_names(kind: str, names: Names) -> None:
    """Say how ids become names on a page: `names(ids) -> {id: name}`, one query for all of them.

    `kind` is "person", "guest", "location", or the label of a target such as "outreach.offer".
    Names are asked when a page is shown and never stored: the ledger outlives the person.
    """
    _names[kind] = names


def register_plays(plays: Plays) -> None:
    """Say which plays there are: `plays() -> [(key, name)]`, as entries have them in `play`."""
    _plays.append(plays)


def register_words(field: str, words: Callable[[str], str]) -> None:
    """Say how a text kept under this key of an entry's detail is told to staff. The entry keeps the
    text itself. A second meaning of a key is an error."""
    if _words.setdefault(field, words) != words:
        raise ValueError(f"The detail {field} is told in two ways.")


def words_of(field: str, text: str) -> str:
    """The text as staff read it."""
    return _words[field](text) if field in _words else text


def plays() -> list[tuple[str, str]]:
    """Key and name of each play, to choose from."""
    return [pair for ask in _plays for pair in ask()]


def sentence_of(event: str) -> str:
    """The registered sentence; for an event whose app has gone, its bare name."""
    return _sentences.get(event, "{actor}: " + event)


def names_of(kind: str, ids: Collection[int]) -> Mapping[int, str]:
    """Names of the ids that still have one."""
    names = _names.get(kind)
    return names(ids) if names and ids else {}


def known() -> list[str]:
    """All registered events in order."""
    return sorted(_sentences)


def check_known(event: str) -> None:
    """Raises UnknownEvent with the remedy."""
    if event not in _sentences:
        raise UnknownEvent(f"{event} is not registered. Add it to the events.py of its app.")
