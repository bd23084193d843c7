"""The plays of retention: each looks for one situation and asks outreach for drafts.

A play is one module with a `PLAY`; adding one is a file and a line in `PLAYS`. They run in this
order: where two have the same reason to write, or one waits its turn, the earlier has the guest.
"""

from __future__ import annotations

from retention.plays import at_risk, card, payment, unused, win_back
from retention.plays.base import RetentionPlay

PLAYS: dict[str, RetentionPlay] = {
    play.key: play for play in [payment.PLAY, card.PLAY, at_risk.PLAY, unused.PLAY, win_back.PLAY]
}
