"""Words that a text to a guest may not contain, or only where the offer or template says them.

English and Spanish. Compared in lower case and without accents, whole words.
"""

from __future__ import annotations

import re
import unicodedata

# A promise about the body or a cure. Nobody may send these, edited or not.
CLINICAL = [
    # English
    "cure", "cures", "cured", "curing", "heal", "heals", "healed", "healing", "diagnose",
    "diagnosis", "diagnosed", "prescription", "prescribe", "medication", "clinically",
    "clinically proven", "medically", "fda", "fda approved", "side effect", "side effects",
    "guaranteed results", "guarantee results", "results guaranteed", "permanent results",
    "permanently", "pain relief", "pain free", "risk free", "removes wrinkles", "remove wrinkles",
    "erases wrinkles", "wrinkle free", "weight loss", "lose weight", "fat loss", "melts fat",
    "anti-aging results", "reverse aging", "reverses aging", "treats acne", "treat acne", "acne",
    "eczema", "rosacea", "psoriasis", "botox", "filler", "fillers", "injection", "injections",
    "semaglutide", "ozempic", "laser treatment results", "therapy for", "relieves anxiety",
    "depression", "anxiety", "boosts immunity", "detoxifies", "detox your", "safe for everyone",
    "100% safe", "completely safe", "scientifically proven", "doctor recommended",
    # Spanish
    "cura", "curas", "curar", "sanar", "sana tu", "diagnostico", "diagnosticar", "receta medica",
    "medicamento", "medicacion", "clinicamente", "clinicamente probado", "medicamente",
    "efectos secundarios", "resultados garantizados", "garantizamos resultados",
    "garantiza resultados", "resultados permanentes", "permanentemente", "alivia el dolor",
    "sin dolor", "sin riesgo", "elimina arrugas", "elimina las arrugas", "borra arrugas",
    "perdida de peso", "perder peso", "bajar de peso", "quema grasa", "rejuvenece",
    "trata el acne", "eccema", "toxina botulinica", "relleno", "rellenos", "inyeccion",
    "inyecciones", "ansiedad", "depresion", "totalmente seguro", "100% seguro",
    "cientificamente probado", "recomendado por medicos",
]  # fmt: skip

# Something given. Allowed only where the offer's wording or the approved template says it too.
BENEFIT = [
    "free", "freebie", "complimentary", "on the house", "on us", "no charge", "without charge",
    "discount", "discounted", "off your", "half price", "half off", "credit", "credits", "upgrade",
    "bonus", "gift", "refund", "waive", "waived", "voucher", "coupon", "cashback", "guest pass",
    "add-on", "two for one", "2 for 1", "buy one", "extra minutes", "double points", "pause",
    "rebate", "for nothing",
    "gratis", "regalo", "de regalo", "cortesia", "de cortesia", "descuento", "rebaja", "saldo",
    "credito", "mejora", "bono", "reembolso", "cupon", "vale", "sin cargo", "sin costo",
    "sin coste", "invitamos", "a mitad de precio", "dos por uno", "2x1", "pausa", "minutos extra",
    "pase de invitado",
]  # fmt: skip

# Opt-out words a guest could send by following our own text.
TRAPS = re.compile(
    r"\b(?:reply|answer|text|send|responde|contesta|envia)\s+(?:with\s+|con\s+)?[\"'“]?"
    r"(cancel|end|quit|revoke|cancelar|fin)\b"
)


def plain(text: str) -> str:
    """Lower case, without accents, spaces single, curly quotes straight."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(bare.replace("’", "'").replace("‘", "'").casefold().split())


def _pattern(words: list[str]) -> re.Pattern[str]:
    longest_first = sorted({plain(word) for word in words}, key=len, reverse=True)
    return re.compile(r"(?<![\w])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![\w])")


CLINICAL_WORDS = _pattern(CLINICAL)
BENEFIT_WORDS = _pattern(BENEFIT)

# Digits with their sign: $15, 20%, 1.50, 14:30. Grouped so that 20% and 20 % are one.
NUMBERS = re.compile(r"\d+(?:[.,:/]\d+)*")
PERCENTS = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:%|percent\b|por ciento\b)")
MONEY = re.compile(
    r"(?:[$€£]\s*(\d+(?:[.,]\d+)?))|(?:(\d+(?:[.,]\d+)?)\s*(?:dollars?|dolares|usd)\b)"
)
NUMBER_WORDS = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|fifteen|twenty|thirty|forty|fifty|"
    r"sixty|seventy|hundred|half|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|quince|veinte|"
    r"treinta|cuarenta|cincuenta|cien|mitad)\s+(?:percent|por ciento|dollars?|dolares|months?|"
    r"meses|visits?|visitas|sessions?|sesiones|price|off|de precio)\b"
)
LINKS = re.compile(
    r"(?:https?://|www\.)\S+|\b[\w.+-]+@[\w-]+\.[\w.]+\b|"
    r"\b[a-z0-9][a-z0-9-]*\.(?:com|net|org|io|co|us|info|biz|app|ly|me|link|shop|xyz|test|spa|es|mx)"
    r"(?:/\S*)?\b"
)
PHONES = re.compile(r"\+?\d[\d\s().-]{6,}\d")
GREETING = re.compile(
    r"^\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hola|buenos dias|buenas tardes|"
    r"querid[oa]|estimad[oa])[\s,]+(?:there[\s,]+)?([^\W\d_][\w'’-]*)",
    re.IGNORECASE,
)
STOP_LINE = re.compile(r"\bSTOP\b")
FIELD = re.compile(r"\{[^{}]*\}")
NAME_TOKEN = re.compile(r"\b[^\W\d_][\w'’-]+")
