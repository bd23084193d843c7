"""How right the product's two scores are on the simulated business, beside what the oracle knows.

`python -m benchmarks.risk_sandbox --home DIR [--out FILE.json] [--locations 10 --guests 15000]`

A business is generated up to a fixed day and read over HTTP as in production; the product trains
and scores as of that day. Then the business lives on without anybody being contacted, and what
became of its members and bookings is compared with the score of that day and with the chance the
simulation itself gave them (the oracle, which the product never asks). Nothing after the day is in
the mirror, so nothing can leak. Seeds are fixed.

Small businesses (one location, about 150 members, six months of history) are measured the same way
beside the scorecard.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import multiprocessing
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from config.local import servers

PYTHON = sys.executable
TODAY = date(2026, 6, 15)
HORIZON_DAYS = 60
LIVED_DAYS = 62
BOOKED_DAYS = 14
BAND_HIGH = 75
# The simulation's causes and those of risk/causes.py that tell the same story to staff. Who has
# moved away or is hurt does not come: nobody writes down why, so the visits are the trace there is.
SAME_CAUSE: dict[str, frozenset[str]] = {
    "non_use": frozenset({"no_visits", "usage_drop", "unused_benefits", "no_booking"}),
    "dissatisfaction": frozenset({"dissatisfaction"}),
    "price": frozenset({"price"}),
    "moved_away": frozenset({"moved", "no_visits", "usage_drop", "no_booking"}),
    "therapist_left": frozenset({"therapist", "dissatisfaction"}),
    "injury": frozenset({"no_visits", "usage_drop", "no_booking", "paused"}),
    "payment": frozenset({"payment"}),
}
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Business:
    """What is generated: one simulated business in databases of its own."""

    name: str
    seed: int
    locations: int
    guests: int
    months: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the servers' data")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--locations", type=int, default=10)
    parser.add_argument("--guests", type=int, default=15_000)
    parser.add_argument("--months", type=int, default=28)
    parser.add_argument("--small", type=int, default=6, help="how many small businesses")
    options = parser.parse_args()
    chain = Business("chain", 11, options.locations, options.guests, options.months)
    smalls = [Business(f"small_{n}", 100 + n, 1, 430, 6) for n in range(options.small)]
    options.home.mkdir(parents=True, exist_ok=True)
    postgres = servers.start_postgres(options.home / "postgres", durable=False)
    valkey = servers.start_valkey(options.home / "valkey")
    report: dict[str, Any] = {"today": TODAY.isoformat(), "businesses": []}
    try:
        for business in [chain, *smalls] if options.guests else smalls:
            urls = {
                "DATABASE_URL": servers.create_database(postgres, business.name),
                "SANDBOX_DATABASE_URL": servers.create_database(postgres, f"{business.name}_life"),
                "REDIS_URL": valkey.url,
            }
            # Django knows one database per process.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found = pool.apply(measure, (business, urls))
            report["businesses"].append(found)
            print(json.dumps(found, indent=1), flush=True)
    finally:
        valkey.stop()
        postgres.stop(60)
    if smalls:
        report["small"] = _summary([b for b in report["businesses"] if b["name"] != "chain"])
        print(json.dumps(report["small"], indent=1))
    if options.out:
        options.out.write_text(json.dumps(report, indent=2) + "\n")


def surround(urls: dict[str, str], port: int) -> None:
    """The settings of product and sandbox for one business served on the port."""
    os.environ.update(
        urls
        | {
            "TENURE_ENV": "demo", "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": secrets.token_hex(32), "OMP_NUM_THREADS": "1", "LOG_LEVEL": "WARNING",
            "PLATFORM_URL": f"http://127.0.0.1:{port}", "PLATFORM_API_KEY": "bench",
            "SMS_URL": f"http://127.0.0.1:{port}", "PLATFORM_RATE_PER_MINUTE": "10000000",
            "SANDBOX_API_KEY": "bench", "SANDBOX_RATE_PER_MINUTE": "10000000",
            "SANDBOX_CONTROL_TOKEN": secrets.token_hex(8),
        }
    )  # fmt: skip


def measure(business: Business, urls: dict[str, str]) -> dict[str, Any]:
    """One business: made, read, learned from, scored, lived on, judged."""
    port = servers.free_port()
    surround(urls, port)
    life = Life(port)
    life.generate(business)
    with life:
        product = _product()
        began = time.monotonic()
        counts = product.bring_in()
        read_s = time.monotonic() - began
        scores = product.train_and_score()
        truth = life.truth()
        life.advance(LIVED_DAYS)
        ended = life.ended()
    result = asdict(business) | {"mirror": counts, "read_s": round(read_s, 1)}
    result["members"] = judge_members(scores, truth, ended)
    result["bookings"] = judge_bookings(scores, truth)
    return result


class Life:
    """The simulated business: a server of its own, and its oracle."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    def generate(self, business: Business) -> None:
        subprocess.run(
            [
                PYTHON, "-m", "platforms.sandbox", "generate", "--seed", str(business.seed),
                "--locations", str(business.locations), "--guests", str(business.guests),
                "--months", str(business.months), "--today", TODAY.isoformat(),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def __enter__(self) -> Life:
        self.process = subprocess.Popen(
            [PYTHON, "-m", "platforms.sandbox", "serve", "--port", str(self.port)]
        )
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return self
        raise SystemExit("The sandbox does not answer.")

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(20)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/_sandbox/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "X-Sandbox-Token": os.environ["SANDBOX_CONTROL_TOKEN"],
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=1800) as answer:  # noqa: S310
            return str(answer.read().decode())

    def table(self, path: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.ask(path))))

    def truth(self) -> dict[str, dict[str, dict[str, str]]]:
        """The oracle as of today: members and coming bookings by the platform's id."""
        members = self.table("oracle/members")
        until = TODAY + timedelta(days=BOOKED_DAYS)
        bookings = self.table(f"oracle/bookings?start_date={TODAY}&end_date={until}")
        return {
            "members": {row["user_membership_id"]: row for row in members},
            "bookings": {row["appointment_id"]: row for row in bookings},
        }

    def advance(self, days: int) -> None:
        self.ask("advance", {"days": days})

    def ended(self) -> dict[str, dict[str, str]]:
        return {row["user_membership_id"]: row for row in self.table("oracle/ended")}


class _Product:
    """Tenure itself, used as its nightly run uses it."""

    def __init__(self) -> None:
        import django

        django.setup()
        from audit import fence

        fence.work_for_the_system()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)

    def bring_in(self) -> dict[str, int]:
        """The first read of every location over HTTP."""
        from memberships import services
        from memberships.models import Appointment, Location, Membership

        now = datetime(TODAY.year, TODAY.month, TODAY.day, 16, tzinfo=UTC)
        services.sync_directory(now=now)
        for place in Location.objects.all():
            services.sync_location(location_id=place.pk, now=now)
        return {
            "memberships": Membership.objects.count(),
            "running": Membership.objects.running().count(),
            "appointments": Appointment.objects.count(),
        }

    def train_and_score(self) -> dict[str, Any]:
        """Scores by the platform's id, from the trained model and from the scorecard."""
        from memberships.models import Location
        from risk import scoring, services
        from risk.engine.scorecard import scorecard
        from risk.features import bookings, churn
        from risk.models import BookingScore, ChurnScore, ModelVersion, Target
        from risk.targets import DECLARATIONS

        now = datetime(TODAY.year, TODAY.month, TODAY.day, 16, tzinfo=UTC)
        began = time.monotonic()
        models = {}
        for target in Target.values:
            version = services.train(target=target, as_of_on=TODAY, now=now)
            models[target] = {"verdict": version.metrics["verdict"], "cases": version.rows}
        trained_s = time.monotonic() - began
        for place in Location.objects.all():
            services.score_members(location_id=place.pk, as_of_on=TODAY, now=now)
            services.score_bookings(location_id=place.pk, as_of_on=TODAY, now=now)
        members = {
            key: {"p": p, "score": score, "reasons": reasons}
            for key, p, score, reasons in ChurnScore.objects.values_list(
                "membership__external_id", "p", "score", "reasons"
            )
        }
        booked = {
            key: {"p": p}
            for key, p in BookingScore.objects.values_list("appointment__external_id", "p")
        }
        frame = churn.members(as_of_on=TODAY)
        card = scoring.score_members(scorecard(DECLARATIONS[Target.CHURN]), frame)
        names = dict(ChurnScore.objects.values_list("membership_id", "membership__external_id"))
        for key, p in zip(frame.ids["membership_id"].tolist(), card.p.tolist(), strict=True):
            if key in names:
                members[names[key]]["scorecard"] = p
        coming = bookings.coming(
            location_ids=list(Location.objects.values_list("pk", flat=True)),
            now=now, from_on=TODAY, until_on=TODAY + timedelta(days=BOOKED_DAYS),
        )  # fmt: skip
        card = scoring.score_bookings(scorecard(DECLARATIONS[Target.CANCELLATION]), coming)
        names = dict(BookingScore.objects.values_list("appointment_id", "appointment__external_id"))
        for key, p in zip(coming.ids["appointment_id"].tolist(), card.p.tolist(), strict=True):
            if key in names:
                booked[names[key]]["scorecard"] = p
        _, artefact = services.serving_model(Target.CHURN, now=now)
        quality = _reason_quality(
            artefact, frame, churn.members(as_of_on=TODAY - timedelta(days=1))
        )
        serving = dict(ModelVersion.objects.filter(status="champion").values_list("target", "kind"))
        return {
            "members": members, "bookings": booked, "models": models, "serving": serving,
            "train_s": round(trained_s, 1), "reason_quality": quality,
        }  # fmt: skip


def _reason_quality(artefact: Any, today: Any, yesterday: Any) -> dict[str, Any]:
    """Of members of the band high and above: how often putting the inputs of the first reason at
    their usual value lowers the chance most (faithful), and how often the first reason was the same
    the night before (stable)."""
    from risk import scoring
    from risk.reasons import BACKGROUND
    from risk.targets import CHURN

    def first(frame: Any) -> tuple[Any, dict[int, str]]:
        scored = scoring.score_members(artefact, frame)
        open_ = ~(frame.columns["notice_days"] >= 0) & (scored.score >= BAND_HIGH)
        ids = frame.ids["membership_id"].tolist()
        return open_, {
            key: why[0]["cause"]
            for key, why, high in zip(ids, scored.reasons, open_.tolist(), strict=True)
            if high and why
        }

    high, now = first(today)
    _, before = first(yesterday)
    both = [now[key] == before[key] for key in now.keys() & before.keys()]
    model, part = artefact.main, today.where(high)
    names = {shape.name for shape in model.shapes}
    usual = {name: np.nanmedian(today.columns[name]) if
             np.isfinite(today.columns[name]).any() else np.nan for name in names}  # fmt: skip
    p = model.probability(part.columns)
    falls = {}
    for cause in {one.cause for one in CHURN.inputs} - BACKGROUND:
        changed = {
            one.name: np.full(len(p), usual[one.name])
            for one in CHURN.inputs
            if one.cause == cause and one.name in names
        }
        if changed:
            falls[cause] = p - model.probability({**part.columns, **changed})
    most = np.array(list(falls))[np.argmax(np.stack(list(falls.values())), axis=0)]
    told = [now.get(key) for key in part.ids["membership_id"].tolist()]
    return {
        "members_high": len(now),
        "faithful": round(float(np.mean([a == b for a, b in zip(told, most, strict=True)])), 3)
        if len(now)
        else None,
        "stable": round(float(np.mean(both)), 3) if both else None,
    }


def _product() -> _Product:
    return _Product()


def judge_members(
    scores: dict[str, Any],
    truth: dict[str, dict[str, dict[str, str]]],
    ended: dict[str, dict[str, str]],
) -> dict[str, Any]:
    """The members both the product and the oracle speak of: those who have not asked to cancel."""
    from risk.engine import metrics

    until = (TODAY + timedelta(days=HORIZON_DAYS)).isoformat()
    keys = sorted(truth["members"].keys() & scores["members"].keys())
    left = np.array(
        [
            float(k in ended and ended[k]["kind"] != "renewed" and ended[k]["ended_on"] <= until)
            for k in keys
        ]
    )
    ours = [scores["members"][k] for k in keys]
    p = np.array([one["p"] for one in ours])
    oracle = np.array([float(truth["members"][k]["p_ends_60"]) for k in keys])
    high = [
        (one["reasons"][0]["cause"] if one["reasons"] else "", truth["members"][k]["main_cause"])
        for k, one in zip(keys, ours, strict=True)
        if one["score"] >= BAND_HIGH
    ]
    return {
        "model": scores["models"]["churn"] | {"serves": scores["serving"].get("churn")},
        "train_s": scores["train_s"],
        **_compare(p, oracle, np.array([one["scorecard"] for one in ours]), left),
        "auc_oracle_decides": round(
            metrics.auc(np.array([float(truth["members"][k]["p_churn_60"]) for k in keys]), left), 4
        ),
        "reasons": _agreement(high) | scores["reason_quality"],
    }


def judge_bookings(
    scores: dict[str, Any], truth: dict[str, dict[str, dict[str, str]]]
) -> dict[str, Any]:
    """Bookings of the coming two weeks as of the morning."""
    from risk.engine import metrics

    keys = [
        k
        for k in sorted(truth["bookings"].keys() & scores["bookings"].keys())
        if truth["bookings"][k]["fate"] != "open"
    ]
    rows = [truth["bookings"][k] for k in keys]
    fell = np.array([float(row["fate"] in {"cancelled", "no_show"}) for row in rows])
    oracle = np.array([float(row["p_cancel"]) + float(row["p_no_show"]) for row in rows])
    ours = [scores["bookings"][k] for k in keys]
    knowable = np.array([float(row["p_fall_knowable"]) for row in rows])
    return {
        "auc_knowable": round(metrics.auc(knowable, fell), 4),
        "model": scores["models"]["cancellation"]
        | {"serves": scores["serving"].get("cancellation")},
        **_compare(
            np.array([one["p"] for one in ours]),
            oracle,
            np.array([one["scorecard"] for one in ours]),
            fell,
        ),
    }


def _compare(p: Floats, oracle: Floats, card: Floats, truth: Floats) -> dict[str, Any]:
    from scipy.stats import spearmanr

    from risk.engine import metrics

    auc = {name: metrics.auc(one, truth) for name, one in
           (("ours", p), ("oracle", oracle), ("scorecard", card))}  # fmt: skip
    losses = {name: float(metrics.log_losses(one, truth).mean())
              for name, one in (("ours", p), ("scorecard", card))}  # fmt: skip
    return {
        "n": len(truth),
        "outcomes": int(truth.sum()),
        "auc": {name: round(value, 4) for name, value in auc.items()},
        "gap": round(auc["oracle"] - auc["ours"], 4),
        "rank_correlation": round(float(spearmanr(p, oracle).statistic), 3),
        "ece": round(metrics.ece(p, truth), 4),
        "mean": {"ours": round(float(p.mean()), 4), "oracle": round(float(oracle.mean()), 4),
                 "observed": round(float(truth.mean()), 4)},
        "log_loss": {name: round(value, 4) for name, value in losses.items()},
    }  # fmt: skip


def _agreement(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """How often the first reason tells the simulation's main cause. Members whose main cause is
    "other" are left out: nothing anybody could see stands behind it."""
    told = [(reason, cause) for reason, cause in pairs if cause in SAME_CAUSE]
    hits = [reason in SAME_CAUSE[cause] for reason, cause in told]
    table: dict[str, dict[str, int]] = {}
    for reason, cause in pairs:
        row = table.setdefault(cause, {})
        row[reason] = row.get(reason, 0) + 1
    return {
        "members_high": len(pairs),
        "with_a_cause": len(told),
        "agreement": round(float(np.mean(hits)), 3) if hits else None,
        "table": table,
    }


def _summary(smalls: list[dict[str, Any]]) -> dict[str, Any]:
    """Small businesses together: the mean difference of log loss to the scorecard."""
    rows = [one["members"] for one in smalls]
    n = np.array([row["n"] for row in rows], dtype=float)
    gains = np.array([row["log_loss"]["scorecard"] - row["log_loss"]["ours"] for row in rows])
    return {
        "businesses": len(smalls),
        "members": int(n.sum()),
        "log_loss_gain_over_scorecard": round(float((gains * n).sum() / n.sum()), 5),
        "auc_ours": round(float(np.mean([row["auc"]["ours"] for row in rows])), 3),
        "auc_scorecard": round(float(np.mean([row["auc"]["scorecard"] for row in rows])), 3),
        "auc_oracle": round(float(np.mean([row["auc"]["oracle"] for row in rows])), 3),
        "serves": [row["model"]["serves"] for row in rows],
    }


if __name__ == "__main__":
    main()
