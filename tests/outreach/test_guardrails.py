"""The guardrails under many hands at once: `make prove` at a small size. Real threads and real
transactions; the sizes that mean something are run by hand (docs/benchmarks/sending.md)."""

from __future__ import annotations

import pytest

from benchmarks.guardrails.__main__ import proofs

PROOFS = proofs(small=True)
# Without any of it nothing was tried.
DONE = {
    "caps": "set_aside",
    "decisions": "sent",
    "switch": "calls",
    "opt-out": "calls",
    "hold": "sent",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", PROOFS)
def test_a_guardrail_holds_under_many_hands(name: str) -> None:
    run, failures = PROOFS[name]
    found = run()
    assert failures(found) == 0, found
    assert found[DONE[name]] > 0, found
