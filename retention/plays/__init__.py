"""The plays of retention: each looks for one situation and asks outreach for drafts.

A play is one module with a `PLAY`; adding one is a file and a line in `PLAYS`.
"""

from __future__ import annotations

from retention.plays import at_risk
from retention.plays.base import RetentionPlay

PLAYS: dict[str, RetentionPlay] = {play.key: play for play in [at_risk.PLAY]}
