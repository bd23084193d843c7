"""Money in words: whole cents in the currency of a location, never added across currencies."""

from __future__ import annotations

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "CA$", "AUD": "A$", "MXN": "MX$"}


def in_words(cents: int, currency: str) -> str:
    """8900 -> $89, 8950 -> $89.50, in a currency without a sign here: 89 CHF."""
    sign, whole, rest = ("-" if cents < 0 else ""), abs(cents) // 100, abs(cents) % 100
    amount = f"{whole:,}" + (f".{rest:02d}" if rest else "")
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{amount}" if symbol else f"{sign}{amount} {currency}"


def about_in_words(cents: int, currency: str) -> str:
    """To whole units, as a sum of many people's amounts is told: 517533 -> $5,175."""
    return in_words(100 * round(cents / 100), currency)
