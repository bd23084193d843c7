"""Having drafts worded by a machine, where a play says so and DRAFTING_URL names one.

Claim one draft, ask outside any transaction, judge the answer by the checks every text passes, then
store it as the draft's next version if nobody has touched the draft since. Whatever goes wrong, the
library's text stays, and the draft says why.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q

from audit import services as audit
from audit.services import Entry
from memberships.models import Review
from outreach import approval, checks, events
from outreach.models import Draft, Play
from outreach.texts import prompt, slots
from outreach.texts.text_checks import check_text
from platforms import writer

log = logging.getLogger(__name__)

# Longer than the slowest call, so that a live worker never loses its draft.
SLACK = timedelta(seconds=30)
MAX_TRIES = 2
FRESH = timedelta(hours=20)  # a draft is worded in the night that made it
REVIEWS_FROM = timedelta(days=90)
REVIEWS = 3

_CLAIM = """
    UPDATE outreach_draft SET wording_tries = wording_tries + 1, wording_until = %(until)s
    WHERE id = (
        SELECT d.id FROM outreach_draft d JOIN outreach_play p ON p.key = d.play_id
        WHERE d.status = 'pending' AND d.worded_at IS NULL AND p.wording <> 'library'
          AND d.requested_by_id IS NULL AND d.writers = '{}' AND d.version = 1
          AND d.created_at > %(fresh)s AND d.expires_at > %(now)s
          AND d.wording_tries < %(tries)s
          AND (d.wording_until IS NULL OR d.wording_until < %(now)s)
          AND (SELECT count(*) FROM outreach_draft l
               WHERE l.wording_tries > 0 AND l.created_at > %(fresh)s
                 AND l.wording_until >= %(now)s) < %(at_once)s
          AND (d.wording_tries > 0 OR d.location_id NOT IN (
               SELECT w.location_id FROM outreach_draft w
               WHERE w.wording_tries > 0 AND w.created_at > %(fresh)s
               GROUP BY w.location_id HAVING count(*) >= %(per_night)s))
        ORDER BY d.id LIMIT 1 FOR UPDATE OF d SKIP LOCKED)
    RETURNING id
"""


def word_drafts(*, now: datetime, limit: int = 100, seconds: float = 25.0) -> int:
    """Word drafts one after the other until none waits, `limit` is reached or `seconds` have
    passed. Returns how many were tried. Does nothing where no machine is set up."""
    if not writer.is_set_up():
        return 0
    begun, tried = time.monotonic(), 0
    _give_up(now=now)
    while tried < limit and time.monotonic() - begun < seconds:
        instant = now + timedelta(seconds=time.monotonic() - begun)
        draft = _claim(now=instant)
        if draft is None:
            break
        tried += 1
        _word(draft, now=instant)
    return tried


@transaction.atomic
def _claim(*, now: datetime) -> Draft | None:
    """Take the next draft to word, if the night's budget and the number at once allow it."""
    with connection.cursor() as cursor:
        # Both limits are counted, then added to: one claim at a time.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('wording'))")
        cursor.execute(
            _CLAIM,
            {
                "now": now,
                "until": now + timedelta(seconds=settings.DRAFTING["seconds"]) + SLACK,
                "fresh": now - FRESH,
                "tries": MAX_TRIES,
                "at_once": settings.DRAFTING["at_once"],
                "per_night": settings.DRAFTING["per_night"],
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    claimed: Draft = Draft.objects.select_related(
        "guest__contact", "location", "play", "template", "offer"
    ).get(pk=row[0])
    return claimed


def _word(draft: Draft, *, now: datetime) -> None:
    """Ask for one draft and store what came of it."""
    wanted = len(slots.free_sentences(draft.template.body))
    filled = slots.compose(
        draft.template.body, slots.free_sentences(draft.template.body), draft.fields
    )
    if not wanted or filled != draft.body:
        _keep_library_text(draft, "This text has no sentence to word.", now=now)
        return
    quoted = _words_of_guest(draft, now=now)
    try:
        answer = writer.ask(
            system=prompt.SYSTEM,
            task=prompt.task_for(draft, words_of_guest=quoted),
            schema=prompt.SCHEMA,
        )
    except writer.NoWords as error:
        if draft.wording_tries >= MAX_TRIES:
            _keep_library_text(draft, str(error), now=now)
        else:
            Draft.objects.filter(pk=draft.pk, wording_tries=draft.wording_tries).update(
                wording_until=None
            )
        return
    try:
        sentences = prompt.read_answer(answer.text, wanted=wanted)
        body = slots.compose(draft.template.body, sentences, draft.fields)
    except ValueError as error:
        _keep_library_text(draft, f"{error}.".capitalize(), now=now, model=answer.model)
        return
    why = why_not(draft, body=body, sentences=sentences)
    if why:
        _keep_library_text(draft, why, now=now, model=answer.model)
        return
    _store(draft, body=body, model=answer.model, shaped=bool(quoted), now=now)


def _words_of_guest(draft: Draft, *, now: datetime) -> list[str]:
    """The guest's latest reviews, where the play says they may give the tone."""
    if draft.play.wording != Play.Wording.REVIEWS:
        return []
    comments = (
        Review.objects.filter(guest=draft.guest, written_at__gt=now - REVIEWS_FROM)
        .exclude(comment="")
        .order_by("-written_at")
        .values_list("comment", flat=True)[:REVIEWS]
    )
    names = [*draft.guest.name.split(), draft.guest.name]
    return [prompt.without_identifiers(comment, names=names) for comment in comments]


def why_not(draft: Draft, *, body: str, sentences: list[str]) -> str:
    """Why these words may not stand in the draft, in words for staff; empty when they may. Any
    check that fails or warns refuses: there is a good text to fall back to."""
    tried = replace(checks.text_of(draft), body=body)
    names = checks.foreign_names({draft.location_id: tried.added_names()})
    tried = replace(tried, others=names.get(draft.location_id, frozenset()))
    for sentence in sentences:
        if wrong := slots.what_is_wrong(sentence, tried):
            return f"The machine's words were refused: {wrong}."
    failed = next((result for result in check_text(tried) if not result.ok), None)
    return f"The machine's words were refused: {failed.check}." if failed else ""


@transaction.atomic
def _store(draft: Draft, *, body: str, model: str, shaped: bool, now: datetime) -> None:
    """Put the words into the draft as its next version, unless somebody touched it meanwhile."""
    fresh = _still_mine(draft)
    if fresh is None:
        return
    fresh.body, fresh.version = body, fresh.version + 1
    fresh.worded_at, fresh.wording_until = now, None
    fresh.worded_by, fresh.prompt_version = model, prompt.PROMPT_VERSION
    fresh.shaped_by_guest_text = shaped
    checks.apply(fresh, checks.check_drafts([fresh], now=now)[0])
    fresh.save(
        update_fields=[
            "body", "version", "worded_at", "wording_until", "worded_by", "prompt_version",
            "shaped_by_guest_text", "checks", "group",
        ]
    )  # fmt: skip
    audit.record_about(
        events.DRAFT_WORDED,
        fresh,
        at=now,
        model=model,
        prompt=prompt.PROMPT_VERSION,
        from_guest_text=shaped,
        version=fresh.version,
        hash=approval.approval_hash(fresh, version=fresh.version),
        group=fresh.group,
    )


@transaction.atomic
def _keep_library_text(draft: Draft, why: str, *, now: datetime, model: str = "") -> None:
    """The library's text stays, and the draft says why. The version stays too: a reviewer in front
    of the card sees the same words."""
    fresh = _still_mine(draft)
    if fresh is None:
        return
    fresh.worded_at, fresh.wording_until, fresh.wording_note = now, None, why[:200]
    fresh.save(update_fields=["worded_at", "wording_until", "wording_note"])
    audit.record_many([_refusal(fresh, why, at=now, model=model)])


def _refusal(draft: Draft, why: str, *, at: datetime, model: str = "") -> Entry:
    return Entry.about(
        events.DRAFT_KEPT_LIBRARY,
        draft,
        at=at,
        # A refused name or word stays out of the ledger, which is never erased.
        reason=why.partition(": ")[0][:200],
        model=model,
        prompt=prompt.PROMPT_VERSION,
    )


def _still_mine(draft: Draft) -> Draft | None:
    """The draft, locked, if it is still the one that was claimed and nobody decided or edited."""
    fresh: Draft | None = (
        Draft.objects.select_for_update(of=("self",))
        .select_related("guest__contact", "location", "play", "template", "offer")
        .filter(
            pk=draft.pk,
            status=Draft.Status.PENDING,
            version=draft.version,
            body=draft.body,
            writers=[],
            wording_tries=draft.wording_tries,
            worded_at__isnull=True,
        )
        .first()
    )
    if fresh is None:
        log.info("draft %s changed while it was being worded: it stays as it is", draft.pk)
    return fresh


@transaction.atomic
def _give_up(*, now: datetime) -> None:
    """Drafts whose last try ended without a word: the worker died."""
    lost = list(
        Draft.objects.select_for_update(skip_locked=True)
        .filter(
            Q(wording_until__lt=now) | Q(wording_until__isnull=True),
            worded_at__isnull=True,
            wording_tries__gte=MAX_TRIES,
        )
        .order_by("pk")[:500]
    )
    why = "The call was broken off."
    Draft.objects.filter(pk__in=[draft.pk for draft in lost]).update(
        worded_at=now, wording_until=None, wording_note=why, wording_tries=F("wording_tries")
    )
    audit.record_many([_refusal(draft, why, at=now) for draft in lost])
