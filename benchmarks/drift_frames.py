"""Nights of a made-up business, as frames of inputs: seasons, weekdays, habits, slow growth, a
little noise of its own in every place. For benchmarks/risk_drift.py and the tests of drift.

The inputs carry the names and units of risk/targets.py; nothing here is learned from or shown to
anybody. Days are numbered; day 0 is a Monday and the first of a year of 364 days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Floats = np.ndarray
YEAR = 364


@dataclass
class Night:
    """What one night scores: inputs, location by row, chances given and what comes true."""

    columns: dict[str, Floats]
    location: np.ndarray
    p: Floats
    truth: Floats
    extra: dict[str, Any] = field(default_factory=dict)


def _season(day: int, phase: float = 0.0) -> float:
    return float(np.sin(2 * np.pi * (day / YEAR + phase)))


class Business:
    """One business with `locations` places. The same seed gives the same business; each night draws
    from a stream of its own, so that nights may be asked for in any order."""

    def __init__(self, *, seed: int, locations: int = 8, members: int = 600, bookings: int = 55):
        rng = np.random.default_rng([seed, 0])
        self.seed = seed
        self.places = np.arange(1, locations + 1)
        self.size = rng.uniform(0.6, 1.4, locations)
        self.warmth = rng.normal(0, 0.15, locations)
        self.bookings = bookings
        self.location = rng.choice(self.places, locations * members, p=self.size / self.size.sum())
        n = len(self.location)
        self.joined = rng.uniform(-1400, 1100, n)
        self.stays = rng.exponential(700, n)
        self.habit = rng.gamma(3.0, 0.7, n) + 0.3
        self.plan = rng.choice([1.0, 2.0, 3.0, 4.0], n, p=[0.4, 0.3, 0.2, 0.1])
        self.drifts_from = self.joined + self.stays * rng.uniform(0.5, 1.0, n)
        self.fails = rng.beta(0.6, 9.0, n)
        self.mood = rng.normal(4.4, 0.5, n)
        self.rates = rng.random(n) < 0.35
        self.tendency = rng.beta(1.5, 8.0, n)

    def _rng(self, kind: int, day: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, kind, day + 5_000])

    def members(self, day: int) -> Night:
        """All members of one night."""
        rng = self._rng(1, day)
        live = (self.joined <= day) & (day < self.joined + self.stays)
        n = int(live.sum())
        habit = self.habit[live] * np.where(day > self.drifts_from[live], 0.4, 1.0)
        habit = (
            habit
            * (1 + 0.15 * _season(day, 0.1))
            * np.exp(self.warmth[self.location[live] - 1] + rng.normal(0, 0.04))
        )
        tenure = day - self.joined[live]
        exposure = np.minimum(tenure, 180) / 180
        visits_180 = rng.poisson(habit * 6 * exposure)
        visits_90 = rng.binomial(visits_180, 0.5)
        visits_30 = rng.binomial(visits_90, 1 / 3)
        gap = 30 / np.maximum(habit, 0.2)
        since = np.where(visits_180 > 0, np.minimum(rng.exponential(gap), tenure), np.nan)
        booked = rng.random(n) < np.clip(0.25 + 0.12 * habit + 0.04 * _season(day, 0.3), 0.02, 0.95)
        # New prices begin with a year of membership, so each year a member's price rises a little.
        anniversary = self.joined[live] + np.floor(tenure / 365) * 365
        inflation = 1.03 ** np.floor(anniversary / YEAR)
        price = np.array([69, 99, 129, 169])[self.plan[live].astype(int) - 1] * inflation
        paid_90 = np.minimum(np.floor(tenure / 30), 3)
        failed = rng.binomial(3, self.fails[live])
        rating = np.where(
            self.rates[live],
            np.clip(np.rint(self.mood[live] + rng.normal(0, 0.5, n)), 1, 5),
            np.nan,
        )
        dropped = rng.binomial(np.maximum(visits_90, 1), self.tendency[live])
        columns: dict[str, Floats] = {
            "tenure_days": tenure,
            "plan": self.plan[live],
            "price": price,
            "price_rise": np.where(tenure > 365, np.where(tenure % 365 < 120, 0.03, 0.0), np.nan),
            "visits_30": visits_30.astype(float),
            "visits_90": visits_90.astype(float),
            "visits_180": visits_180.astype(float),
            "days_since_visit": since,
            "gap_ratio": since / np.maximum(gap, 7),
            "next_days": np.where(booked, rng.exponential(12, n), np.nan),
            "coming": booked * (1.0 + rng.poisson(0.3, n)),
            "visits_per_payment": np.where(paid_90 > 0, visits_90 / np.maximum(paid_90, 1), np.nan),
            "unused_months": np.where(paid_90 > 0, np.maximum(paid_90 - visits_90, 0), np.nan),
            "failed_90": failed.astype(float),
            "paid_share": (tenure / 30 + 3) / (tenure / 30 + failed + 3),
            "lowest_rating_180": rating,
            "ticket": np.where(visits_180 > 0, price * rng.lognormal(0.1, 0.3, n), np.nan),
            "late_180": rng.binomial(3, self.tendency[live] / 2).astype(float),
            "dropped_30": dropped.astype(float),
        }
        z = (
            -3.2
            + 0.5 * np.log1p(np.nan_to_num(columns["gap_ratio"], nan=3.0))
            + 0.5 * failed
            - 0.5 * booked
            + 0.1 * _season(day, 0.6)
        )
        p = 1 / (1 + np.exp(-z))
        return Night(columns, self.location[live], p, (rng.random(n) < p).astype(float))

    def coming(self, day: int) -> Night:
        """All bookings of one day, as they stand on the eve."""
        rng = self._rng(2, day)
        weekday = day % 7
        busy = np.array([0.7, 0.8, 0.9, 1.0, 1.3, 1.5, 0.8])[weekday]
        n_here = rng.poisson(self.bookings * self.size * busy * (1 + 0.15 * _season(day, 0.2)))
        location = np.repeat(self.places, n_here)
        n = len(location)
        lead = 1 + rng.exponential(9 * (1 + 0.12 * _season(day, 0.8)) * rng.lognormal(0, 0.05), n)
        mix = np.array([0.35, 0.10, 0.30, 0.15, 0.10])
        mix = rng.dirichlet(mix * 400)
        service = rng.choice(6, n, p=rng.dirichlet(np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1]) * 400))
        past = np.floor(rng.gamma(1.2, 9.0, n))
        tendency = rng.beta(1.5, 8.0, n)
        fell = rng.binomial(past.astype(int), tendency)
        place_rate = 0.15 + 0.02 * _season(day, 0.5) + 0.03 * self.warmth[location - 1]
        member = rng.random(n) < 0.55
        own = (fell + place_rate * 4) / (past + 4)
        columns: dict[str, Floats] = {
            "lead_days": lead,
            "hour": np.clip(np.rint(rng.normal(14, 3, n)), 8, 20),
            "minutes": np.array([30, 45, 60, 60, 90, 120.0])[service],
            "price": np.array([45, 60, 95, 110, 140, 210.0])[service] * 1.03 ** (day // YEAR),
            "service_rate": np.array([0.1, 0.12, 0.14, 0.16, 0.18, 0.2])[service]
            + 0.01 * _season(day, 0.5),
            "channel": rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], n, p=mix),
            "own_rate": own,
            "past_fell": fell.astype(float),
            "past_bookings": past,
            "days_since_fall": np.where(fell > 0, rng.exponential(120, n), np.nan),
            "days_since_visit": np.where(past > 0, rng.exponential(35, n), np.nan),
            "first_visit": (past == 0).astype(float),
            "therapist_visits": np.floor(past * rng.beta(2, 2, n)),
            "service_visits": np.floor(past * rng.beta(1, 3, n)),
            "member": member.astype(float),
            "member_days": np.where(member, rng.gamma(1.5, 300, n), np.nan),
            "same_day": (rng.random(n) < 0.12).astype(float),
            "open_bookings": rng.poisson(0.8, n).astype(float),
            "place_rate": place_rate + rng.normal(0, 0.005, len(self.places))[location - 1],
        }
        z = -1.95 + 4.5 * (own - 0.16) + 0.045 * (lead - 10)
        p = 1 / (1 + np.exp(-z))
        # The world strays a little from any model: by season, and from day to day.
        off = 0.06 * _season(day, 0.4) + rng.normal(0, 0.08)
        true_p = 1 / (1 + np.exp(-(z + off)))
        return Night(columns, location, p, (rng.random(n) < true_p).astype(float))


CATEGORIES = {"plan", "channel"}
