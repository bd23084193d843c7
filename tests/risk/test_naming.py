"""What gives scores is told by what was learned and when, not by a code name."""

from __future__ import annotations

import pytest

from risk.naming import in_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "churn-additive-2026-11-21-1",
            "the scoring of members learned on Sat 21 Nov 2026",
        ),
        (
            "cancellation-additive-2026-11-21-3",
            "the scoring of bookings learned on Sat 21 Nov 2026 (no. 3 of that day)",
        ),
        ("churn-scorecard-2026-11-20-1", "the scoring of members by general experience"),
        ("something else", "something else"),
        (
            "churn-additive-2026-11-21-1, churn-additive-2026-11-14-1",
            "the scoring of members learned on Sat 21 Nov 2026, "
            "the scoring of members learned on Sat 14 Nov 2026",
        ),
    ],
)
def test_names_in_words(name: str, words: str) -> None:
    assert in_words(name) == words
