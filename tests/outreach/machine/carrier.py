"""Both carriers in one, as unreliable as asked, and honest about what it accepted.

It promises nothing: a second acceptance under the same key is a second message to the guest.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable

from django.db.models import F

from outreach.sending import sender
from platforms import outbox
from platforms.models import OutboxItem
from platforms.outcome import NotBegun, Outcome, Result
from tests.outreach.machine.world import Letter, World

FATES = [
    "accepted", "refused", "busy", "lost after", "lost before", "breaks", "slow", "overtaken",
    "dies before", "dies after", "held up",
]  # fmt: skip
ACCEPTING = {"accepted", "lost after", "breaks", "slow", "overtaken", "dies after"}
AFTER = {
    "accepted": "sent",
    "refused": "refused",
    "busy": "ready",
    "lost after": "unknown",
    "lost before": "unknown",
    "breaks": "unknown",
    "slow": "sent",  # later than its lease, yet before anybody looked it up
    "overtaken": "unknown",  # its answer comes after a look-up that found nothing
    "dies before": "sending",
    "dies after": "sending",
}
TRIES = 12  # so many, then a person or the failed list


class Died(BaseException):
    """The worker was killed in the middle of the call."""


class Carrier:
    """`wrongs` collects what no call may ever do: raising here would only look like a failure of
    the carrier to the sender."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fates: deque[str] = deque()
        self.wrongs: defaultdict[str, list[str]] = defaultdict(list)  # by the promise broken
        self.finds = "the truth"
        self.counts: dict[str, int] = {}
        self.find_letter: Callable[[str], Letter | None] = lambda outbox_id: None

    def send_sms(self, *, key: str, to: str, body: str, **how: object) -> Outcome:
        return self._call(key, to, "", body)

    def send_email(self, *, key: str, to: str, subject: str, body: str, **how: object) -> Outcome:
        return self._call(key, to, subject, body)

    def _call(self, key: str, to: str, subject: str, body: str) -> Outcome:
        fate = self.fates.popleft() if self.fates else "accepted"
        self.counts[fate] = self.counts.get(fate, 0) + 1
        if fate == "held up":
            raise NotBegun
        letter = self.find_letter(key.removeprefix("send:"))
        if letter is None:
            self.wrongs["approved"].append(f"{key} was never approved")
            return Outcome(Result.REFUSED)
        if (to, subject, body) != (letter.to, letter.subject, letter.body):
            self.wrongs["bytes"].append(f"{letter}: other than approved: {(to, subject, body)}")
        if reasons := self.world.forbids(letter):
            self.wrongs["allowed"].append(f"{letter}: called although {reasons}")
        self.world.note_try(letter)
        if letter.state != "ready":
            self.wrongs["state"].append(f"{letter}: called while {letter.state}")
        letter.tries += 1
        letter.calls.append(self.world.now)
        if fate in ACCEPTING:
            letter.accepted.append(self.world.now)
            if len(letter.accepted) > 1:
                self.wrongs["once"].append(f"{letter}: the guest got it twice")
        letter.state = AFTER[fate]
        if letter.tries >= TRIES:
            letter.state = {"ready": "dead", "unknown": "uncertain"}.get(letter.state, letter.state)
        if fate in ("slow", "overtaken"):
            outbox.expire_leases(now=self.world.now + 2 * sender.LEASE)
            self.world.leases_end()
        if fate == "overtaken":
            letter.tries, letter.state = letter.tries + 1, "unknown"
            OutboxItem.objects.filter(pk=letter.outbox_id).update(
                attempt=F("attempt") + 1, tries=letter.tries
            )
        return self._answer(fate)

    def _answer(self, fate: str) -> Outcome:
        match fate:
            case "accepted" | "slow" | "overtaken":
                return Outcome(Result.SENT, provider_ref="SM1")
            case "refused":
                return Outcome(Result.REFUSED, error="not a mobile number")
            case "busy":
                return Outcome(Result.RETRY, error="busy")
            case "breaks":
                raise RuntimeError("the answer could not be understood")
            case "dies before" | "dies after":
                raise Died
            case _:
                return Outcome(Result.UNKNOWN, error="time-out")

    def look_up(self, *, key: str) -> Outcome:
        letter = self.find_letter(key.removeprefix("send:"))
        if letter is None or letter.state != "unknown":
            self.wrongs["state"].append(f"{key} looked up although {letter and letter.state}")
            return Outcome(Result.UNKNOWN)
        letter.tries += 1
        spent = letter.tries >= TRIES
        if self.finds == "nothing":
            letter.state = "uncertain" if spent else "unknown"
            return Outcome(Result.UNKNOWN, error="time-out")
        if self.finds == "no look-up":
            letter.state = "uncertain"
            return Outcome(Result.UNCERTAIN)
        if letter.accepted:
            letter.state = "sent"
            return Outcome(Result.SENT, provider_ref="SM1")
        letter.state = "dead" if spent else "ready"
        return Outcome(Result.RETRY, error="never had it")
