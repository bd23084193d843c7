"""The plain form of a text, in which words are looked for, and the disguises they come in.

What a reader sees as the same must compare as the same: full-width and mathematical letters,
accents, letters of other alphabets that look alike, digits of other scripts, characters nobody
sees, letters s p a c e d out, digits in place of letters.
"""

from __future__ import annotations

import re
import unicodedata

# Letters drawn like those of the plain Latin alphabet: the commonest of Unicode's confusables
# (UTS 39). Every other foreign letter is refused by the check of characters.
_LOOKALIKES = str.maketrans(
    "авекмнорстухіјѕԁԛԝһӏгпьѵ"  # Cyrillic
    "αβεικνορτυχηωϲγ"  # Greek
    "ıłøđħŧĸŋɑɡɩʀɪʏ"  # further Latin
    "օսհզցո"  # Armenian
    "’‘ʼ´`“”„«»–—‒―−·•",
    "abekmhopctyxijsdqwhlrnbvabeikvoptuxnwcyilodhtknagiriyouhqgn'''''\"\"\"\"\"-----..",
)
_LEET = str.maketrans("0134578@$!+", "oieastbasit")
_LEET_L = str.maketrans("01345|", "oleasl")


def plain(text: str) -> str:
    """Lower case without accents, look-alikes as the letters they look like, digits as 0-9,
    nothing invisible, spaces single, quotes and dashes straight."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    seen = "".join(
        _digit(c) for c in folded if unicodedata.category(c) not in {"Mn", "Me", "Cf", "Co", "Cn"}
    )
    return " ".join(seen.translate(_LOOKALIKES).split())


def without_accents(text: str) -> str:
    """The text with bare letters, as it was written otherwise: Maria for María."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return unicodedata.normalize("NFC", bare)


def _digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_][\s._*'/|,~-]{1,3}){2,}[^\W_](?![^\W_])")
_INNER = re.compile(r"(?<=[^\W_])[._*'/|~^-]+(?=[^\W_])")
_LEETED = re.compile(r"[a-z0-9@$!+|]*[a-z][a-z0-9@$!+|]*")
_SHORT_WORDS = re.compile(r"(?<![^\W_])(?:[^\W\d_]{1,2} ){2,}[^\W\d_]{1,3}(?![^\W_])")
_LONG = re.compile(r"([^\W\d_])\1{2,}")


def disguises(text: str) -> list[str]:
    """The plain form of `text` and what it says when a disguise is taken off: spaced letters
    joined, marks inside words gone, digits read as letters, stretched letters shortened."""
    base = plain(text)
    joined = _SPACED.sub(lambda found: re.sub(r"[\W_]+", "", found.group()), base)
    shorts = _SHORT_WORDS.sub(lambda found: found.group().replace(" ", ""), base)
    views = [base, joined, shorts, _INNER.sub("", base)]
    views += [_unleet(view, _LEET) for view in views] + [_unleet(base, _LEET_L)]
    views += [_LONG.sub(r"\1\1", base), _LONG.sub(r"\1", base)]
    return list(dict.fromkeys(views))


def _unleet(text: str, table: dict[int, int]) -> str:
    return _LEETED.sub(lambda found: found.group().translate(table), text)


def squeezed(text: str) -> str:
    """The letters alone, without spaces: for long words that are cut in two."""
    return re.sub(r"[\W\d_]+", "", _unleet(plain(text), _LEET))


# --- Characters -----------------------------------------------------------------------------------

_PUNCTUATION = set("’‘“”–—…¡¿«»°ªº•·€£¥¢¤§")
_MARKUP = set("<>[]{}\\|^~`=_@#*")
_EMOJI = [
    (0x2600, 0x27BF),
    (0x1F300, 0x1F5FF),
    (0x1F600, 0x1F64F),
    (0x1F680, 0x1F6FF),
    (0x1F900, 0x1FAFF),
]
# Pictures of letters, numbers and signs that read as words.
_TELLING = {0x1F4AF, *range(0x1F51E, 0x1F525)}
_JOINERS = {"\u200d", "\ufe0f"}


def is_emoji(character: str) -> bool:
    """A picture that says no letter and no number."""
    code = ord(character)
    if code in _TELLING:
        return False
    return any(low <= code <= high for low, high in _EMOJI) and unicodedata.category(character) in {
        "So",
        "Sk",
    }


def strange_characters(text: str, *, known: str = "") -> list[str]:
    """Characters of `text` that a message may not hold: controls, marks that turn or hide text,
    letters of other alphabets, markup. What `known` holds is allowed."""
    strange: list[str] = []
    before = ""
    for character in text:
        in_picture = bool(before) and (is_emoji(before) or before in _JOINERS)
        if not (
            _is_ordinary(character)
            or is_emoji(character)
            or (character in _JOINERS and in_picture)
            or character in known
        ):
            strange.append(character)
        before = character
    return list(dict.fromkeys(strange))


def _is_ordinary(character: str) -> bool:
    code = ord(character)
    if character == "\n" or character in _PUNCTUATION:
        return True
    if 0x20 <= code <= 0x7E:
        return character not in _MARKUP
    # Letters of the languages of Europe that are written in Latin letters.
    return 0xC0 <= code <= 0x17E and unicodedata.category(character) in {"Lu", "Ll"}


def named(character: str) -> str:
    """A character as staff can find it: itself, or its name where it cannot be seen."""
    if unicodedata.category(character)[0] in "CMZ":
        return unicodedata.name(character, f"U+{ord(character):04X}").lower()
    return character
