"""The sentences the second net learns from: by hand in families (`stops.txt`, `harmless.txt`), and
made from patterns (`grammar.txt`)."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PER_PATTERN = 12
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Example:
    """A sentence, whether it asks for silence, and the family it belongs to."""

    text: str
    stops: bool
    family: str


def by_hand() -> list[Example]:
    """The sentences written one by one."""
    return [*_read("stops.txt", True), *_read("harmless.txt", False)]


def _read(name: str, stops: bool) -> list[Example]:
    found, family = [], ""
    for line in (HERE / name).read_text().splitlines():
        if line.startswith("# "):
            family = line[2:]
        else:
            found += [
                Example(text, stops, f"{name} {family}") for text in line.split(" | ") if text
            ]
    return found


def made(seed: int = 7) -> list[Example]:
    """Sentences from the patterns, each place filled at random; a pattern is a family."""
    rng = random.Random(seed)
    places: dict[str, list[str]] = {}
    stops = True
    found = []
    for line in (HERE / "grammar.txt").read_text().splitlines():
        if line in ("stop:", "harmless:"):
            stops = line == "stop:"
        elif " = " in line and not line.startswith("#"):
            name, words = line.split(" = ")
            places[name] = [word.strip() for word in words.split("|")]
        elif line and not line.startswith("#"):
            texts = {
                " ".join(_PLACE.sub(lambda m: rng.choice(places[m[1]]), line).split())
                for _ in range(PER_PATTERN)
            }
            found += [Example(text, stops, f"pattern {line}") for text in sorted(texts)]
    return found


def mistyped(examples: list[Example], seed: int = 11) -> list[Example]:
    """One copy of each sentence with one word typed wrong, of its family."""
    rng = random.Random(seed)
    found = []
    for one in examples:
        words = one.text.split()
        long = [n for n, word in enumerate(words) if len(word) > 3 and word.isalpha()]
        if not long:
            continue
        n = rng.choice(long)
        words[n] = _typo(words[n], rng)
        found.append(Example(" ".join(words), one.stops, one.family))
    return found


def _typo(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at] + word[at:]
