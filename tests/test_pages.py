"""No page asks the database more as the business grows: every list, tab, filter and search."""

from __future__ import annotations

import pytest

from benchmarks.pages import asking, chain


@pytest.mark.django_db
def test_every_page_keeps_to_its_queries() -> None:
    chain.fill(chain.Sizes.of(0.002))
    people, too_many, asked = chain.people(), [], set()
    for role, only in (("desk", "/members/"), ("manager", "/re"), ("regional", "/")):
        for row in asking.ask(people[role], runs=0, only=only):
            assert row["status"] == 200, row
            asked.add(row["page"])
            if row["queries"] > asking.MORE.get(row["page"], asking.BUDGET):
                too_many.append((role, row["page"], row["queries"]))
    assert not too_many
    assert set(asking.PAGES) - asked <= {"/sequences/?page=2"}, "pages were passed over"
