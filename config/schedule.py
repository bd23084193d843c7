"""What beat pokes, and how often. A poke is a hint: what is due stands in PostgreSQL, so a missed
one costs a little time and a doubled one nothing (two beats are harmless).

`expires` keeps pokes from piling up while no worker runs.
"""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab

SECOND = 1.0
MINUTE = 60.0


def every(seconds: float, task: str) -> dict[str, Any]:
    """An entry that pokes `task` each `seconds`, void if nobody takes it before the next one."""
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 5.0)}}


SCHEDULE: dict[str, dict[str, Any]] = {
    "show that beat is alive": every(30 * SECOND, "config.tasks.heartbeat"),
    "send what is due": every(5 * SECOND, "outreach.tasks.dispatch"),
    "look up unknown answers": every(10 * SECOND, "outreach.tasks.check_unknown"),
    "send tests": every(15 * SECOND, "outreach.tasks.dispatch_trials"),
    "tell staff": every(30 * SECOND, "outreach.tasks.dispatch_notices"),
    "word drafts": every(30 * SECOND, "outreach.tasks.word_drafts"),
    "find broken leases": every(30 * SECOND, "platforms.tasks.expire_leases"),
    "work through the inbox": every(15 * SECOND, "platforms.tasks.work_inbox"),
    "sweep the mirror": every(20 * SECOND, "memberships.tasks.sweep"),
    "go on with sequences": every(MINUTE, "outreach.tasks.advance_sequences"),
    "expire drafts": every(5 * MINUTE, "outreach.tasks.expire_drafts"),
    "watch what is sent": every(5 * MINUTE, "outreach.tasks.watch_sending"),
    "lower what is in doubt": every(2 * MINUTE, "outreach.tasks.lower_doubtful"),
    "approve by rules": every(10 * MINUTE, "outreach.tasks.approve_by_rules"),
    "sweep the call lists": every(5 * MINUTE, "cancellations.tasks.sweep"),
    "note who looked": every(MINUTE, "audit.tasks.note_looks"),
    "fix the ledger": every(5 * MINUTE, "audit.tasks.checkpoint"),
    "begin the nights": every(2 * MINUTE, "config.tasks.poke_nights"),
    "relearn bookings": {
        "task": "risk.tasks.train_weekly",
        "schedule": crontab(minute="30", hour="9", day_of_week="mon"),
    },
    "relearn members": {
        "task": "risk.tasks.train_monthly",
        "schedule": crontab(minute="0", hour="10", day_of_month="1"),
    },
    "learn from the experiments": {
        "task": "risk.tasks.estimate_uplift",
        "schedule": crontab(minute="30", hour="10", day_of_month="1"),
    },
    # After the nights of the west coast; later ones are looked at the next day.
    "watch the scores": {
        "task": "risk.tasks.check_drift",
        "schedule": crontab(minute="15", hour="12"),
    },
    "forget ended sign-ins": {
        "task": "config.tasks.forget_ended_sessions",
        "schedule": crontab(minute="50", hour="10"),
    },
    "forget old deliveries": {
        "task": "platforms.tasks.forget_old_deliveries",
        "schedule": crontab(minute="45", hour="10"),
    },
}
