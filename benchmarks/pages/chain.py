"""A chain's whole database made of numbers, by SQL in the database itself: no sync, no training.

For the page benchmark and its test. Every table a list page reads is filled in the proportions of a
chain in its third year; nobody in it is real. The first location is the largest (about 4 in 100
guests of fifty locations), so that its manager is the worst case among managers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.management import call_command
from django.db import connection

from audit import clock
from memberships.models import Location
from outreach.autonomy import tallies
from outreach.library.seed import AT_RISK
from outreach.models import OutreachPolicy, Template
from retention import services as member_list
from risk.models import ModelVersion, Target
from staff.models import User


@dataclass(frozen=True)
class Sizes:
    """How many rows; members are half of the guests, coming bookings follow from the visits."""

    locations: int = 50
    guests: int = 200_000
    appointments: int = 4_000_000
    messages: int = 1_000_000
    waiting: int = 20_000  # of the messages
    threads: int = 100_000
    drafts: int = 300_000
    pending: int = 60_000  # of the drafts
    nights: int = 365  # of job runs and call lists

    @classmethod
    def of(cls, part: float) -> Sizes:
        """The whole chain times `part`; the locations fall with its root, so that one stays big."""
        whole = cls()
        return cls(
            locations=max(round(whole.locations * part**0.5), 2),
            guests=max(round(whole.guests * part), 400),
            appointments=max(round(whole.appointments * part), 4_000),
            messages=max(round(whole.messages * part), 1_000),
            waiting=max(round(whole.waiting * part), 60),
            threads=max(round(whole.threads * part), 200),
            drafts=max(round(whole.drafts * part), 300),
            pending=max(round(whole.pending * part), 100),
            nights=max(round(whole.nights * part), 3),
        )


# Written last or read by their own key only while filling: built once, not row by row.
BIG = (
    "memberships_guest",
    "memberships_membership",
    "memberships_appointment",
    "memberships_guestday",
    "memberships_charge",
    "risk_churnscore",
    "platforms_outboxitem",
    "outreach_message",
    "outreach_draft",
    "outreach_reply",
    "outreach_thread",
    "outreach_holdout",
    "outreach_run",
    "cancellations_call",
)

REASONS = [
    {
        "cause": "no_visits",
        "text": "no visit for 74 days, usual gap 28",
        "value": 74,
        "norm": 28,
        "contribution": 1.1,
        "direction": "raises",
    }
]
_PLACES = """
INSERT INTO memberships_location (external_id, code, name, time_zone, currency, country, region,
    phone, email, late_cancel_hours, is_active)
SELECT 'chain-' || n, 'C' || n, 'Location ' || lpad(n::text, 2, '0'),
    (ARRAY['America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles'])
        [1 + n %% 4],
    'USD', 'US', (ARRAY['NY', 'IL', 'CO', 'OR'])[1 + n %% 4], '+1503555' || lpad(n::text, 4, '0'),
    '', 24, true
FROM generate_series(1, %(locations)s) n;
INSERT INTO memberships_plan (external_id, code, name, kind, price_cents, period_months, is_on_sale,
    description)
SELECT 'chain-plan-' || n, 'P' || n, 'Plan ' || n, 'recurring', 5900 + 2000 * n, 1, true, ''
FROM generate_series(1, 12) n;
INSERT INTO memberships_service (external_id, code, name, category, duration_minutes, price_cents,
    is_addon)
SELECT 'chain-service-' || n, 'S' || n, 'Service ' || n, 'Kind ' || n %% 5, 60, 9000, false
FROM generate_series(1, 40) n;
INSERT INTO memberships_therapist (external_id, name, job, is_active, location_id)
SELECT 'chain-therapist-' || l.id || '-' || n, 'Therapist ' || n, '', true, l.id
FROM memberships_location l, generate_series(1, 12) n;
INSERT INTO memberships_synccursor (stream, cursor, complete_at, covered_until, started_at,
    pages_done, rows, changed, parked, error, location_id)
SELECT s, '', %(now)s, %(now)s, %(now)s, 1, 10, 1, 0, '', l.id
FROM memberships_location l, unnest(ARRAY['guests', 'members', 'appointments', 'charges', 'notes',
    'details', 'profiles', 'waitlist', 'reviews', 'whole']) s;
INSERT INTO audit_jobrun (job, period, location_id, status, attempt, counts, error, started_at,
    finished_at)
SELECT job, (%(now)s::date - n)::text, l.id, 'done', 1, '{"rows": 10}', '',
    %(now)s - make_interval(days => n), %(now)s - make_interval(days => n)
FROM generate_series(%(nights)s, 0, -1) n, memberships_location l,
    unnest(ARRAY['night.sync', 'night.score', 'night.bookings', 'night.outcomes', 'night.drafts',
        'night.calls', 'night.writebacks', 'night.digest']) job;
"""
_GUESTS = """
INSERT INTO memberships_guest (external_id, code, first_name, last_name, email, phone,
    phone_as_given, gender, language, time_zone, registered_at, sms_marketing, sms_transactional,
    email_marketing, tags, consents_at, read_at, location_id)
SELECT 'chain-guest-' || n, 'G' || n,
    (ARRAY['Ada', 'Ana', 'Ben', 'Carla', 'Dana', 'Elena', 'Femi', 'Grace', 'Hugo', 'Ines', 'Jon',
        'Kim', 'Lena', 'Mia', 'Noor', 'Olga', 'Pia', 'Rosa', 'Sofia', 'Tess'])[1 + n %% 20],
    (ARRAY['Garcia', 'Smith', 'Moss', 'Okafor', 'Nguyen', 'Brown', 'Lopez', 'Jones', 'Park',
        'Silva', 'Weber', 'Rossi', 'Haddad', 'Novak', 'Dubois', 'Keller', 'Ivanova', 'Tanaka',
        'Olsen', 'Mensah', 'Costa', 'Byrne', 'Kaur'])[1 + n %% 23],
    'guest' || n || '@example.test', '+1503' || lpad(n::text, 7, '0'), '', '', 'en', '',
    %(now)s - make_interval(days => n %% 900), random() < .8, true, random() < .6, '{}',
    %(now)s, %(now)s, places[1 + floor(cardinality(places) * random() ^ 1.2)::int]
FROM generate_series(1, %(guests)s) n,
    (SELECT array_agg(id ORDER BY id) places FROM memberships_location) p;
INSERT INTO memberships_membership (external_id, status, recurrence_status, started_on,
    member_since_on, ended_on, ending, auto_renews, price_cents, next_charge_on, read_at, guest_id,
    location_id, plan_id)
SELECT 'chain-membership-' || g.id,
    CASE WHEN gone THEN 'cancelled' WHEN g.id %% 50 = 0 THEN 'frozen' ELSE 'active' END, '',
    %(now)s::date - (100 + g.id %% 700)::int, %(now)s::date - (100 + g.id %% 700)::int,
    CASE WHEN gone THEN %(now)s::date - (g.id / 5 %% 90)::int END,
    CASE WHEN gone THEN 'voluntary' ELSE '' END, true, 6900,
    %(now)s::date + (g.id %% 30)::int, %(now)s, g.id, g.location_id, plans[1 + g.id %% 12]
FROM (SELECT *, id %% 5 = 0 AS gone FROM memberships_guest) g,
    (SELECT array_agg(id) plans FROM memberships_plan) p
WHERE g.id %% 2 = 0;
INSERT INTO outreach_contact (guest_id, last_at, outbox_id)
SELECT id, %(now)s - make_interval(days => 2 + (id %% 200)::int), gen_random_uuid()
FROM memberships_guest WHERE id %% 2 = 0;
"""
_BOOK = """
INSERT INTO memberships_appointment (external_id, group_external_id, invoice_external_id, status,
    booked_at, starts_at, ends_at, starts_on, cancelled_at, is_late_cancellation, cancel_reason,
    channel, price_cents, guest_id, location_id, service_id, therapist_id)
SELECT 'chain-visit-' || n, '', '',
    CASE WHEN at > %(now)s THEN 'booked' WHEN n %% 11 = 0 THEN 'cancelled' WHEN n %% 31 = 0
        THEN 'no_show' ELSE 'completed' END,
    at - interval '9 days', at, at + interval '1 hour', (at AT TIME ZONE l.time_zone)::date,
    CASE WHEN at <= %(now)s AND n %% 11 = 0 THEN at - interval '2 days' END, false, '', 'desk',
    9500, g.id, g.location_id, services[1 + n %% 40], NULL
FROM (
    -- A guest's visits lie in the table as they came in: by time, not by guest.
    SELECT n, first_guest + (n::bigint * 7919 %% %(guests)s) AS guest,
        date_trunc('hour', %(now)s - interval '730 days')
            + make_interval(mins => (n * (744.0 * 1440 / %(appointments)s))::int) AS at
    FROM generate_series(1, %(appointments)s) n,
        (SELECT min(id) first_guest FROM memberships_guest WHERE code = 'G1') f
) v JOIN memberships_guest g ON g.id = v.guest JOIN memberships_location l ON l.id = g.location_id,
    (SELECT array_agg(id) services FROM memberships_service) s;
UPDATE memberships_appointment a SET therapist_id = t.therapists[1 + a.id %% 12]
FROM (SELECT location_id, array_agg(id) therapists FROM memberships_therapist GROUP BY 1) t
WHERE t.location_id = a.location_id AND a.status = 'booked';
INSERT INTO memberships_guestday (guest_id, location_id, "on", visits, cancelled, late_cancelled,
    no_shows, spend_cents)
SELECT guest_id, location_id, starts_on, count(*) FILTER (WHERE status = 'completed'),
    count(*) FILTER (WHERE status = 'cancelled'), 0, count(*) FILTER (WHERE status = 'no_show'),
    coalesce(sum(price_cents) FILTER (WHERE status = 'completed'), 0)
FROM memberships_appointment GROUP BY 1, 2, 3;
INSERT INTO memberships_locationday (location_id, "on", booked, visits, cancelled, late_cancelled,
    no_shows, spend_cents, members, joined, "left", failed_charges)
SELECT location_id, "on", count(*), sum(visits), sum(cancelled), 0, sum(no_shows),
    sum(spend_cents), count(*), 3, 2, 0
FROM memberships_guestday GROUP BY 1, 2;
INSERT INTO memberships_charge (external_id, charged_on, status, amount_cents, due_cents,
    payment_type, decline_code, invoice_no, invoice_external_id, guest_id, location_id,
    membership_id)
SELECT 'chain-charge-' || m.id || '-' || n, %(now)s::date - 30 * n, 'paid', 6900, 0, 'card', '', '',
    '', m.guest_id, m.location_id, m.id
FROM memberships_membership m, generate_series(1, 10) n WHERE m.status = 'active';
INSERT INTO memberships_waitlistentry (external_id, status, added_at, guest_id, location_id)
SELECT 'chain-wait-' || id, 'open', %(now)s, id, location_id
FROM memberships_guest WHERE id %% 400 = 0;
"""
_SCORES = """
INSERT INTO risk_churnscore (p, score, band, reasons, confidence, confidence_note, flags, as_of_on,
    scored_at, guest_id, location_id, membership_id, model_id)
SELECT score / 200.0, score,
    CASE WHEN score >= 90 THEN 'very_high' WHEN score >= 75 THEN 'high' WHEN score >= 40 THEN
        'watch' ELSE 'low' END,
    jsonb_build_array(jsonb_build_object('cause', causes[1 + m.id %% 3], 'text',
        'no visit for 74 days, usual gap 28', 'direction', 'raises', 'contribution', 1.1,
        'value', 74, 'norm', 28)),
    'good', '', '{}', %(now)s::date, %(now)s, guest_id, location_id, m.id, %(churn)s
FROM (SELECT *, (100 * random() ^ 2.2)::int AS score FROM memberships_membership
      WHERE status <> 'cancelled') m,
    (SELECT ARRAY['no_visits', 'usage_drop', 'payment'] causes) c;
INSERT INTO risk_bookingscore (p, score, band, reasons, confidence, confidence_note, flags,
    as_of_on, scored_at, guest_id, location_id, appointment_id, model_id)
SELECT score / 100.0, score,
    CASE WHEN score >= 60 THEN 'very_high' WHEN score >= 40 THEN 'high' WHEN score >= 20 THEN
        'watch' ELSE 'low' END,
    %(reasons)s, 'good', '', '{}', %(now)s::date, %(now)s, guest_id, location_id, a.id,
    %(cancellation)s
FROM (SELECT *, (100 * random() ^ 2)::int AS score FROM memberships_appointment
      WHERE status = 'booked') a;
"""
_CALLS = """
INSERT INTO cancellations_calllist (location_id, "on", built_at, bookings, members, live_added)
SELECT l.id, (%(now)s AT TIME ZONE l.time_zone)::date - n, %(now)s - make_interval(days => n),
    20, 20, 0
FROM memberships_location l, generate_series(0, %(nights)s) n;
INSERT INTO cancellations_call (location_id, "on", row_no, guest_id, kind, expected_cents,
    value_cents, reasons, say, offer_text, best_time, status, outcome, closed_why, due_at, tries,
    note, created_at, version)
SELECT location_id, day, n, guest_id, 'member', 5000 - n, 9000, '{"no visit for 74 days"}',
    '{"Ask how the last visit was."}', '', 'mornings',
    CASE WHEN ago > 0 OR n %% 5 = 0 THEN 'done' WHEN n %% 7 = 0 THEN 'later' ELSE 'todo' END,
    CASE WHEN ago > 0 OR n %% 5 = 0 THEN 'voicemail' ELSE '' END, '',
    CASE WHEN ago = 0 AND n %% 7 = 0 THEN %(now)s + interval '2 hours' END, 0, '', %(now)s, 1
FROM (
    SELECT c.location_id, c.on AS day, %(now)s::date - c.on AS ago, g.id AS guest_id,
        row_number() OVER (PARTITION BY c.location_id, c.on ORDER BY g.id) AS n
    FROM cancellations_calllist c JOIN memberships_guest g ON g.location_id = c.location_id
        AND g.id %% 41 = (%(now)s::date - c.on + 41) %% 41
) rows WHERE n <= 60;
"""
_OUTREACH = """
INSERT INTO outreach_draft (channel, address, offer_terms, cost_cents, subject, body,
    library_subject, library_body, fields, evidence, checks, "group", status, version, created_at,
    expires_at, snoozed_until, writers, decided_at, decided_by_id, rejection, rejection_note,
    approval_hash, worded_at, worded_by, prompt_version, wording_note, wording_tries,
    shaped_by_guest_text, automatic_rule, guest_id, location_id, membership_id, play_id,
    template_id)
SELECT 'sms', g.phone, '{}', 0, '', body, '', body,
    jsonb_build_object('first_name', g.first_name),
    jsonb_build_object('target', 'churn', 'score', 60 + n %% 40, 'band', 'high', 'p', 0.31,
        'model', 'churn-1', 'as_of_on', '2026-11-20', 'reasons', jsonb_build_array(
            jsonb_build_object('cause', 'no_visits', 'text', 'no visit for 74 days, usual gap 28',
                'direction', 'raises', 'value', 74, 'norm', 28, 'contribution', 1.1))),
    '[]', (ARRAY['needs_care', 'changed', 'library', 'library', 'library'])[1 + n %% 5], state, 1,
    %(now)s - make_interval(
        mins => CASE WHEN state = 'pending' THEN n %% 1440 ELSE n %% 900000 END),
    %(now)s + interval '3 days',
    CASE WHEN state = 'pending' AND n %% 9 = 0 THEN %(now)s + interval '1 day' END, '{}',
    CASE WHEN state IN ('approved', 'rejected') THEN %(now)s - make_interval(mins => n %% 900000)
        END,
    CASE WHEN state IN ('approved', 'rejected') THEN deciders[1 + n %% cardinality(deciders)] END,
    CASE WHEN state = 'rejected' THEN 'words' ELSE '' END, '',
    CASE WHEN state = 'approved' THEN md5(n::text) ELSE '' END, %(now)s, '', '', '', 0, false, '',
    g.id, g.location_id, NULL, %(play)s, %(template)s
FROM (
    SELECT n, CASE WHEN n <= %(pending)s THEN 'pending' ELSE
        (ARRAY['approved', 'approved', 'approved', 'rejected', 'expired'])[1 + n %% 5] END AS state,
        first_guest + (n::bigint * 2 %% %(guests)s) AS guest
    FROM generate_series(1, %(drafts)s) n,
        (SELECT min(id) first_guest FROM memberships_guest WHERE code = 'G1') f
) d JOIN memberships_guest g ON g.id = d.guest,
    (SELECT array_agg(id) deciders FROM staff_user) u,
    (SELECT 'Hi, we miss you at the salon. Come in this week? Reply STOP to opt out.'::text body) b;
CREATE TEMP TABLE chain_message AS
SELECT n, gen_random_uuid() AS outbox, first_guest + (n::bigint * 104729 %% %(guests)s) AS guest,
    CASE WHEN n <= %(waiting)s THEN 'ready' WHEN n <= %(waiting)s * 1.01 THEN 'sending'
        WHEN n <= %(waiting)s * 1.1 THEN (ARRAY['uncertain', 'dead', 'refused'])[1 + n %% 3]
        ELSE 'sent' END AS state,
    CASE WHEN n <= %(waiting)s * 1.1 THEN %(now)s - make_interval(mins => n %% 1400)
        ELSE %(now)s - make_interval(secs => n %% 63000000) END AS at
FROM generate_series(1, %(messages)s) n,
    (SELECT min(id) first_guest FROM memberships_guest WHERE code = 'G1') f;
INSERT INTO platforms_outboxitem (id, topic, channel, subject, approval, location_id, payload,
    payload_hash, state, attempt, tries, due_at, look_at, leased_until, provider_ref, created_at,
    sent_at, error)
SELECT outbox, 'message', 'sms', n::text, md5(n::text), g.location_id, '{"to": "+1"}', md5(n::text),
    state, 1, 1, at + interval '5 minutes', 'epoch',
    CASE WHEN state = 'sending' THEN %(now)s + interval '1 hour' END,
    CASE WHEN state = 'sent' THEN 'SM' || md5(n::text) ELSE '' END, at,
    CASE WHEN state = 'sent' THEN at + interval '6 minutes' END, ''
FROM chain_message c JOIN memberships_guest g ON g.id = c.guest ORDER BY at;
INSERT INTO outreach_message (channel, address, subject, body, cost_cents, purpose, reservation,
    is_automatic, approved_at, delivery, delivery_error, approved_by_id, draft_id, guest_id,
    location_id, outbox_id, play_id)
SELECT 'sms', g.phone, '',
    'Hi, we miss you at the salon. Come in this week? Reply STOP to opt out.', 0, 'outreach',
    'none', false, c.at, CASE WHEN c.state = 'sent' THEN 'delivered' ELSE '' END, '',
    deciders[1 + c.n %% cardinality(deciders)], d.id, g.id, g.location_id, c.outbox, %(play)s
FROM chain_message c JOIN memberships_guest g ON g.id = c.guest
LEFT JOIN (SELECT id, approval_hash FROM outreach_draft WHERE status = 'approved') d
    ON d.approval_hash = md5((c.n + %(pending)s)::text),
    (SELECT array_agg(id) deciders FROM staff_user) u
ORDER BY c.at;
-- A draft answers to the approval of its own message.
UPDATE platforms_outboxitem o SET approval = d.approval_hash
FROM outreach_message m JOIN outreach_draft d ON d.id = m.draft_id
WHERE m.outbox_id = o.id AND o.state = 'ready';
INSERT INTO outreach_thread (channel, address, last_at, is_unread, waiting_since, topic, rank,
    trouble, trouble_at, version, guest_id, location_id)
SELECT 'sms', g.phone, %(now)s - make_interval(mins => n * 7 %% 1000000), n %% 20 = 0,
    CASE WHEN n %% 10 = 0 THEN %(now)s - make_interval(mins => n * 3 %% 40000) END,
    CASE WHEN n %% 10 = 0 THEN
        (ARRAY['yes', 'cancel', 'move', 'price', 'complaint'])[1 + n / 10 %% 5] ELSE '' END,
    (n %% 7)::int,
    CASE WHEN n %% 19 = 0 THEN 'undelivered' ELSE '' END,
    CASE WHEN n %% 19 = 0 THEN %(now)s - make_interval(mins => n * 5 %% 90000) END, 1, g.id,
    g.location_id
FROM generate_series(1, %(threads)s) n,
    (SELECT min(id) first_guest FROM memberships_guest WHERE code = 'G1') f,
    memberships_guest g WHERE g.id = first_guest + (n::bigint * 2 - 1) %% %(guests)s;
INSERT INTO outreach_reply (carrier_ref, mail_id, channel, address, body, intent, topic, pictures,
    received_at, answered_at, guest_id, location_id, thread_id)
SELECT 'IN' || t.id || '-' || n, '', 'sms', t.address, 'Could I come on Tuesday instead?', 'other',
    '', 0, coalesce(t.waiting_since, t.last_at) - make_interval(days => n),
    CASE WHEN t.waiting_since IS NULL OR n > 0 THEN t.last_at END, t.guest_id, t.location_id, t.id
FROM outreach_thread t, generate_series(0, 2) n;
UPDATE outreach_thread t SET last_reply_id = r.id FROM outreach_reply r
WHERE r.thread_id = t.id AND r.carrier_ref = 'IN' || t.id || '-0';
INSERT INTO outreach_holdout (is_held_out, assigned_at, guest_id, play_id)
SELECT g.id / 2 %% 10 = 0, %(now)s - make_interval(days => (g.id * 13 %% 300)::int), g.id, p.key
FROM memberships_guest g, (SELECT key FROM outreach_play ORDER BY key LIMIT 3) p
WHERE g.id %% 2 = 0;
INSERT INTO outreach_run (state, step, steps_total, begun_at, next_at, started_at, ended_at,
    left_why, paused_at, cause, evidence, facts, guest_id, location_id, play_id)
SELECT state, 1, 3, at, CASE WHEN state = 'running' AND n %% 3 > 0 THEN at + interval '4 days' END,
    at, CASE WHEN state IN ('left', 'finished') THEN at + interval '3 days' END,
    CASE WHEN state = 'left' THEN 'booked' ELSE '' END,
    CASE WHEN state = 'paused' THEN at END, '', '{}', '{}', g.id, g.location_id, %(play)s
FROM (
    SELECT n, CASE WHEN n > %(drafts)s / 15 THEN (ARRAY['left', 'finished'])[1 + n %% 2]
        WHEN n %% 12 = 0 THEN 'paused' ELSE 'running' END AS state,
        %(now)s - make_interval(mins => CASE WHEN n > %(drafts)s / 15 THEN n %% 500000 + 5000
            ELSE n %% 4000 END) AS at,
        first_guest + (n::bigint * 2 %% %(guests)s) AS guest
    FROM generate_series(1, %(drafts)s / 3) n,
        (SELECT min(id) first_guest FROM memberships_guest WHERE code = 'G1') f
) r JOIN memberships_guest g ON g.id = r.guest;
INSERT INTO outreach_suppression (channel, address, source, reason, scope, added_at)
SELECT 'sms', phone, 'reply', 'said stop', 'all', %(now)s FROM memberships_guest WHERE id %% 97 = 0;
INSERT INTO platforms_inboxdelivery (connection, delivery_id, body_hash, body, event_type, sender,
    received_at, status, attempt, done_at, error)
SELECT 'zenoti', 'chain-' || n, md5(n::text), '', 'appointment', '',
    %(now)s - make_interval(secs => n * 10), 'done', 1, %(now)s, ''
FROM generate_series(1, %(drafts)s) n;
"""


def fill(sizes: Sizes, *, now: datetime | None = None) -> None:
    """Fill an empty, migrated database. As a superuser of it big tables are written without their
    indexes, which are built afterwards."""
    now = now or clock.now()
    call_command("seed_library", verbosity=0)
    people()
    OutreachPolicy.current()
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.11)")
        with _in_bulk(cursor):
            values: dict[str, Any] = {
                **sizes.__dict__,
                "now": now,
                "play": AT_RISK,
                "template": Template.objects.filter(play=AT_RISK, channel="sms").earliest("pk").pk,
                "reasons": json.dumps(REASONS),
                **{target: _model(target, now).pk for target in Target.values},
            }
            for part in (_PLACES, _GUESTS, _BOOK, _SCORES, _CALLS, _OUTREACH):
                for statement in filter(str.strip, part.split(";\n")):
                    cursor.execute(statement, values)
        cursor.execute("ANALYZE")
    for place in Location.objects.order_by("pk"):
        member_list.refresh_location(location_id=place.pk, now=now)
        tallies.count_location(location_id=place.pk, now=now)


def people() -> dict[str, User]:
    """One of each role, made when missing: desk and manager of the largest location, a regional
    manager of ten, an administrator."""
    places = list(Location.objects.order_by("pk"))
    found = {}
    for role, serves in {"desk": 1, "manager": 1, "regional": 10, "admin": 1}.items():
        person, _ = User.objects.get_or_create(
            username=f"bench-{role}", defaults={"role": role, "approval_limit_cents": 100_000}
        )
        person.locations.set(places[:serves])
        found[role] = person
    return found


def _model(target: str, now: datetime) -> ModelVersion:
    """What the scores say they come from; nothing is computed with it."""
    version, _ = ModelVersion.objects.get_or_create(
        target=target,
        status=ModelVersion.Status.CHAMPION,
        defaults={"name": f"chain-{target}", "kind": "scorecard", "trained_at": now},
    )
    return version


@contextmanager
def _in_bulk(cursor: Any) -> Iterator[None]:
    """Writing without foreign key checks, triggers and the indexes of the big tables, where the
    user may; they are built again at the end."""
    cursor.execute("SELECT usesuper FROM pg_user WHERE usename = current_user")
    if not cursor.fetchone()[0]:
        yield
        return
    cursor.execute("SET statement_timeout = 0; SET session_replication_role = replica")
    cursor.execute("SET maintenance_work_mem = '512MB'; SET work_mem = '128MB'")
    cursor.execute(
        """
        SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i
        JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = ANY(%s::regclass[])
          AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
        """,
        [list(BIG)],
    )
    indexes = cursor.fetchall()
    for name, _definition in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    for _name, definition in indexes:
        cursor.execute(definition)
    for name in ("statement_timeout", "session_replication_role", "work_mem"):
        cursor.execute(f"RESET {name}")
