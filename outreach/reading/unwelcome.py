"""Ways of saying that messages are not welcome: the wide net of `outreach.reading.intents` behind
the clear phrases of `stop_phrases`. Whatever is caught here suppresses and goes to a person.

The phrases are in `unwelcome.txt`: English and Spanish, with the commonest ways in Portuguese and
French. They are looked for in the spelt-out form, in which short forms are words and near misses
of the telling words are corrected.
"""

from __future__ import annotations

import re
from pathlib import Path

# --- Spelling -------------------------------------------------------------------------------------

# Short forms and contractions, so that the patterns need one form each.
_SHORT = {
    "u": "you", "ya'll": "you", "y'all": "you", "yall": "you", "ur": "your", "yer": "your",
    "r": "are", "plz": "please", "pls": "please", "plss": "please", "pleas": "please",
    "plzz": "please", "plzzz": "please", "dont": "do not", "don't": "do not", "donot": "do not",
    "dnt": "do not", "don": "do", "doesnt": "does not", "doesn't": "does not",
    "didnt": "did not", "didn't": "did not", "cant": "can not", "can't": "can not",
    "cannot": "can not", "wont": "will not", "won't": "will not", "isnt": "is not",
    "isn't": "is not", "aint": "is not", "ain't": "is not", "arent": "are not",
    "aren't": "are not", "wasnt": "was not", "wasn't": "was not", "hasnt": "has not",
    "hasn't": "has not", "havent": "have not", "haven't": "have not", "wouldnt": "would not",
    "wouldn't": "would not", "shouldnt": "should not", "shouldn't": "should not",
    "couldnt": "could not", "couldn't": "could not", "im": "i am", "i'm": "i am", "ive": "i have",
    "i've": "i have", "id": "i would", "i'd": "i would", "i'll": "i will", "you're": "you are",
    "youre": "you are", "we're": "we are", "they're": "they are", "you've": "you have",
    "we've": "we have", "it's": "it is", "that's": "that is", "thats": "that is",
    "this's": "this is", "she's": "she is", "shes": "she is", "he's": "he is", "hes": "he is",
    "there's": "there is", "theres": "there is", "who's": "who is", "whos": "who is",
    "how'd": "how did", "where'd": "where did", "wanna": "want to", "gonna": "going to",
    "gotta": "got to", "lemme": "let me", "gimme": "give me", "outta": "out of",
    "txt": "text", "txts": "texts", "txting": "texting", "txtin": "texting", "txtn": "texting",
    "txtng": "texting", "textin": "texting", "msg": "message", "msgs": "messages",
    "msging": "messaging", "dis": "this", "d": "de", "m": "me", "q": "que", "fone": "phone",
    "num": "number", "numba": "number", "nbr": "number", "#": "number", "mo": "more",
    "moar": "more", "enuf": "enough", "enuff": "enough", "inuff": "enough", "nuff": "enough",
    "msj": "mensajes", "msjs": "mensajes", "msn": "mensajes", "xfa": "por favor",
    "porfa": "por favor", "xfavor": "por favor", "porfis": "por favor", "kiero": "quiero",
    "kien": "quien", "vaja": "baja", "nomas": "no mas", "mescriban": "me escriban",
    "hmu": "hit me up", "dnc": "do not call list", "sumbody": "somebody", "ppl": "people",
}  # fmt: skip

# Words near enough to one of these are read as it, unless they are words themselves.
_KEYS = [
    "stop",
    "text",
    "texting",
    "messages",
    "message",
    "messaging",
    "remove",
    "delete",
    "unsubscribe",
    "unsubscribed",
    "number",
    "wrong",
    "person",
    "contact",
    "contacting",
    "alone",
    "leave",
    "enough",
    "harassing",
    "harassment",
    "bothering",
    "annoying",
    "quit",
    "cancel",
    "texts",
    "anymore",
    "subscribe",
    "receive",
    "sending",
    "spam",
    "scam",
    "block",
    "blocked",
    "report",
    "lawyer",
    "consent",
    "permission",
    "please",
    "removed",
    "mensajes",
    "mensaje",
    "escriban",
    "escribir",
    "manden",
    "quiten",
    "numero",
    "equivocado",
    "molesten",
    "borren",
    "basta",
    "dejen",
    "dejenme",
    "quiero",
    "lista",
    "publicidad",
    "telefono",
    "personas",
    "contacten",
    "envien",
    "favor",
    "bajas",
    "revoke",
    "optout",
    "unsub",
    "delete",
    "mandar",
    "escribiendo",
]
# Words of their own that lie near a key.
_REAL = frozenset(
    [
        "top",
        "shop",
        "step",
        "stay",
        "stops",
        "slop",
        "drop",
        "stopped",
        "stoop",
        "store",
        "story",
        "texas",
        "test",
        "tests",
        "next",
        "nest",
        "tent",
        "messy",
        "massage",
        "massages",
        "massaging",
        "remote",
        "removal",
        "person's",
        "number's",
        "wrong",
        "wrung",
        "prong",
        "alone",
        "along",
        "aloe",
        "clone",
        "leaves",
        "sleeve",
        "leaf",
        "heave",
        "enough",
        "rough",
        "tough",
        "quiet",
        "quite",
        "quick",
        "quilt",
        "suit",
        "quits",
        "cancels",
        "cancelled",
        "canceled",
        "cancer",
        "pleas",
        "pleased",
        "pleases",
        "release",
        "black",
        "lock",
        "clock",
        "blocks",
        "flock",
        "reports",
        "resort",
        "apart",
        "lawyers",
        "sawyer",
        "layer",
        "contacts",
        "contact",
        "contract",
        "contest",
        "contacted",
        "content",
        "sending",
        "spending",
        "tending",
        "lending",
        "mending",
        "spa",
        "span",
        "spas",
        "swam",
        "scan",
        "spray",
        "spar",
        "scar",
        "sam",
        "stem",
        "stamp",
        "stomp",
        "atop",
        "crop",
        "mandan",
        "marden",
        "mande",
        "manda",
        "dejan",
        "deje",
        "deja",
        "dejo",
        "quite",
        "quinto",
        "quito",
        "quita",
        "quiere",
        "quieren",
        "lista",
        "listo",
        "listas",
        "vista",
        "pista",
        "basto",
        "pasta",
        "casta",
        "hasta",
        "gasta",
        "vasta",
        "list",
        "last",
        "salta",
        "numeros",
        "nombre",
        "favor",
        "favors",
        "savor",
        "flavor",
        "bajan",
        "baja",
        "caja",
        "bajo",
        "text",
        "texts",
        "tests",
        "taxes",
        "report",
        "received",
        "receives",
        "receive",
        "deceive",
        "recent",
        "messaged",
        "removes",
        "remover",
        "moved",
        "deleted",
        "deletes",
        "unsubscribes",
        "subscribed",
        "subscriber",
        "persona",
        "persons",
        "personal",
        "consents",
        "consult",
        "content",
        "leaving",
        "scams",
        "slam",
        "cram",
        "blocking",
        "blocker",
        "anymore",
        "any",
        "alert",
        "contento",
        "personal",
        "puedan",
        "puede",
        "manden",
        "contacto",
        "remova",
        "quieto",
        "quiera",
        "quito",
        "envio",
        "envia",
        "envian",
        "escriben",
        "escriba",
        "escribe",
        "escribo",
        "escribir",
        "escribi",
        "molesta",
        "molestan",
        "molesto",
        "molestia",
        "borre",
        "borran",
        "borrar",
        "dejemos",
        "mensaje",
        "permisos",
        "lawyer",
        "mandare",
        "recipe",
        "recieves",
        "bag",
        "bug",
        "test",
        "taste",
        "texture",
        "shot",
        "spot",
        "spots",
        "shops",
        "stock",
        "stow",
        "stopover",
        "please",
        "place",
        "places",
        "lease",
        "leased",
        "tease",
        "pulse",
        "palace",
        "unsubs",
        "cancela",
        "cancele",
        "cancelen",
        "cancelar",
        "concel",
    ]
)


def _near_keys() -> dict[str, str]:
    """Every way to miss one letter of a key (left out, doubled beside, swapped) -> the key."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    found: dict[str, str] = {}
    for key in _KEYS:
        if len(key) < 4:
            continue
        for i in range(len(key) + 1):
            before, after = key[:i], key[i:]
            made = [before + c + after for c in letters]
            if after:
                made += [before + after[1:]]
                made += [before + c + after[1:] for c in letters]
            if len(after) > 1:
                made.append(before + after[1] + after[0] + after[2:])
            for word in made:
                # Short words have too many neighbours: the first letter must stand.
                if len(key) > 4 or word[:1] == key[0]:
                    found.setdefault(word, key)
    for word in (*_KEYS, *_REAL, *_SHORT):
        found.pop(word, None)
    return found


_NEAR = _near_keys()


def spelt(bare: str) -> str:
    """The text with short forms written out and near misses of the telling words corrected."""
    out = []
    for word in bare.split():
        said = _SHORT.get(word)
        if said is None:
            said = _NEAR.get(word.replace("'", ""), word) if len(word) > 3 else word
        out.append(said)
    return " ".join(out)


# --- Phrases --------------------------------------------------------------------------------------

_PIECE = re.compile(r"\{([A-Z]\w*)\}")


def _phrases() -> dict[str, list[str]]:
    """The lines of `unwelcome.txt` by part, with the pieces put in."""
    pieces: dict[str, str] = {}
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in Path(__file__).with_name("unwelcome.txt").read_text().splitlines():
        name, is_piece, piece = line.partition(" = ")
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]") and line[1:-1].isalpha():
            lines = parts.setdefault(line[1:-1], [])
        elif is_piece and name.isupper():
            pieces[name] = piece
        else:
            lines.append(_PIECE.sub(lambda found: pieces[found[1]], line))
    return parts


_PARTS = _phrases()
UNWELCOME = re.compile("|".join(_PARTS["english"] + _PARTS["spanish"] + _PARTS["others"]))
# What sounds like it and is the opposite, or about something else.
ASIDE = re.compile(rf"\b(?:{'|'.join(_PARTS['aside'])})")

# Words run together.
TOGETHER = re.compile(
    r"stop(?:it|now|text|send|mess|spam|pls|please|this|that|all|contact|already|stop)|pl(?:ea?)?se?stop|"
    r"do?nt?(?:not)?(?:text|contact|message)|nomore(?:te?xt|message|msg|spam|promo)|leaveme(?:alone|be)|"
    r"takemeoff|removeme|deleteme|unsubscribeme|optout|optmeout|wrongnumber|wrongperson|losemynumber|goaway|"
    r"fuckoff|quittext|canceltext|nomas(?:mensaj|text|msj)|dejenmeenpaz|dejameenpaz|deb?aja|noescriban|"
    r"nomemanden|nomeescriban|nomolest|numeroequivocado|bastaya|parenya|endtext"
)
_MOST_TOGETHER = 24

# Signs that say it without a word: the first wherever they stand, the others beside few words.
SIGNS = re.compile("[\U0001f595\U0001f92c\U0001f4f5\U0001f515\U0001f507\U0001f4a2]")
SOFTER_SIGNS = re.compile(
    "[\U0001f6d1\U0001f6ab\u26d4\u270b\U0001f590\U0001f91a\U0001f645\u274c\u2716\U0001f6b7"
    "\U0001f5d1\U0001f910\U0001f620\U0001f621\U0001f624\u2620]"
)


def run_together(bare: str) -> bool:
    """Whether one long word is a wish for silence without its spaces."""
    return any(
        6 <= len(word) <= _MOST_TOGETHER and TOGETHER.match(word) is not None
        for word in bare.replace("'", "").split()
    )
