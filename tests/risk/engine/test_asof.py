"""Counting what was known before a moment."""

from __future__ import annotations

import numpy as np

from risk.engine.asof import Facts, tally

KEY = np.array([0, 0, 0, 1])
AT = np.array([100, 200, 300, 150])


def test_a_fact_of_the_same_second_is_not_yet_known() -> None:
    facts = Facts(KEY, AT)
    asked = np.array([199, 200, 201])
    mine = np.zeros(3, dtype=np.int64)
    assert (facts.before(mine, asked) - facts.begin(mine)).tolist() == [1, 1, 2]
    assert (facts.before(mine, asked, also_at=True) - facts.begin(mine)).tolist() == [1, 2, 2]


def test_facts_of_other_keys_and_outside_the_window_do_not_count() -> None:
    count, total = tally(
        Facts(KEY, AT), np.array([1.0, 2.0, 4.0, 8.0]), np.array([0, 1, 2]), np.full(3, 1_000)
    )
    assert count.tolist() == [3, 1, 0]
    assert total.tolist() == [7, 8, 0]
    count, total = tally(
        Facts(KEY, AT), np.array([1.0, 2.0, 4.0, 8.0]), np.array([0]), np.array([301]), within=101
    )
    assert (count.tolist(), total.tolist()) == ([2], [6])
