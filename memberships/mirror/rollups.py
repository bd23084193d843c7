"""The roll-ups: a guest's days and a location's days, counted anew where something changed."""

from __future__ import annotations

from datetime import date

from memberships.mirror.staging import differs, run, stage, taken_over

# Voided and vanished bookings never counted.
COUNTED = "a.vanished_at IS NULL AND a.status <> 'voided'"
COUNTS = """
    count(a.id) FILTER (WHERE a.status = 'completed') AS visits,
    count(a.id) FILTER (WHERE a.status = 'cancelled') AS cancelled,
    count(a.id) FILTER (WHERE a.status = 'cancelled' AND a.is_late_cancellation)
        AS late_cancelled,
    count(a.id) FILTER (WHERE a.status = 'no_show') AS no_shows,
    COALESCE(sum(a.price_cents) FILTER (WHERE a.status = 'completed'), 0) AS spend_cents
"""
OUTCOMES = ("visits", "cancelled", "late_cancelled", "no_shows", "spend_cents")


def forget_touched() -> None:
    """Begin a page: no day touched yet."""
    stage("touched_day", {"guest_id": "bigint", "location_id": "bigint", '"on"': "date"}, ())


def touch_all(*, location_id: int) -> int:
    """Every day on which the location has a booking or a count. How many guest days."""
    forget_touched()
    touched = run(
        """
        INSERT INTO touched_day
        SELECT guest_id, location_id, starts_on FROM memberships_appointment
        WHERE location_id = %(location)s
        UNION SELECT guest_id, location_id, "on" FROM memberships_guestday
        WHERE location_id = %(location)s
        """,
        {"location": location_id},
    )
    run("ANALYZE touched_day")
    return touched


def rebuild_touched() -> None:
    """Count the touched days of guests and locations anew. Two statements, whatever the page."""
    run(
        f"""
        WITH days AS (SELECT DISTINCT guest_id, location_id, "on" FROM touched_day),
        fresh AS (
            SELECT d.guest_id, d.location_id, d."on", count(a.id) AS bookings, {COUNTS}
            FROM days d
            LEFT JOIN memberships_appointment a ON a.guest_id = d.guest_id
                 AND a.location_id = d.location_id AND a.starts_on = d."on" AND {COUNTED}
            GROUP BY d.guest_id, d.location_id, d."on"
        ), emptied AS (
            DELETE FROM memberships_guestday g USING fresh f
            WHERE f.bookings = 0 AND g.guest_id = f.guest_id AND g.location_id = f.location_id
              AND g."on" = f."on"
        )
        INSERT INTO memberships_guestday (guest_id, location_id, "on", {", ".join(OUTCOMES)})
        SELECT guest_id, location_id, "on", {", ".join(OUTCOMES)} FROM fresh
        WHERE bookings > 0 ORDER BY guest_id, location_id, "on"
        ON CONFLICT (guest_id, location_id, "on") DO UPDATE SET {taken_over(OUTCOMES)}
        WHERE {differs("memberships_guestday", OUTCOMES)}
        """  # noqa: S608 - column names are ours
    )
    kept = ("booked", *OUTCOMES)
    run(
        f"""
        WITH days AS (SELECT DISTINCT location_id, "on" FROM touched_day),
        fresh AS (
            SELECT d.location_id, d."on", count(a.id) AS booked, {COUNTS}
            FROM days d
            LEFT JOIN memberships_appointment a ON a.location_id = d.location_id
                 AND a.starts_on = d."on" AND {COUNTED}
            GROUP BY d.location_id, d."on"
        )
        INSERT INTO memberships_locationday
               (location_id, "on", {", ".join(kept)}, members, joined, "left", failed_charges)
        SELECT location_id, "on", {", ".join(kept)}, 0, 0, 0, 0 FROM fresh
        ORDER BY location_id, "on"
        ON CONFLICT (location_id, "on") DO UPDATE SET {taken_over(kept)}
        WHERE {differs("memberships_locationday", kept)}
        """  # noqa: S608
    )


def rebuild_member_days(*, location_id: int, first: date, last: date) -> int:
    """Count members, joiners, leavers and failed charges of first..last anew: the running sum of
    starts and ends. Rows that changed."""
    kept = ("members", "joined", '"left"', "failed_charges")
    return run(
        f"""
        WITH days AS (
            SELECT day::date AS "on"
            FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS day
        ), starts AS (
            SELECT started_on AS "on", count(*) AS n FROM memberships_membership
            WHERE location_id = %(location)s AND started_on BETWEEN %(first)s AND %(last)s
            GROUP BY 1
        ), ends AS (
            SELECT ended_on AS "on", count(*) AS n FROM memberships_membership
            WHERE location_id = %(location)s AND ended_on BETWEEN %(first)s AND %(last)s
            GROUP BY 1
        ), failures AS (
            SELECT charged_on AS "on", count(*) AS n FROM memberships_charge
            WHERE location_id = %(location)s AND status = 'failed'
              AND charged_on BETWEEN %(first)s AND %(last)s
            GROUP BY 1
        ), before AS (
            SELECT count(*) AS n FROM memberships_membership
            WHERE location_id = %(location)s AND started_on < %(first)s
              AND (ended_on IS NULL OR ended_on >= %(first)s)
        ), fresh AS (
            SELECT d."on", COALESCE(s.n, 0) AS joined, COALESCE(e.n, 0) AS "left",
                COALESCE(f.n, 0) AS failed_charges,
                (SELECT n FROM before) + sum(COALESCE(s.n, 0) - COALESCE(e.n, 0))
                    OVER (ORDER BY d."on") AS members
            FROM days d
            LEFT JOIN starts s ON s."on" = d."on"
            LEFT JOIN ends e ON e."on" = d."on"
            LEFT JOIN failures f ON f."on" = d."on"
        )
        INSERT INTO memberships_locationday (location_id, "on", {", ".join(kept)}, booked, visits,
               cancelled, late_cancelled, no_shows, spend_cents)
        SELECT %(location)s, "on", {", ".join(kept)}, 0, 0, 0, 0, 0, 0 FROM fresh ORDER BY "on"
        ON CONFLICT (location_id, "on") DO UPDATE SET {taken_over(kept)}
        WHERE {differs("memberships_locationday", kept)}
        """,  # noqa: S608
        {"location": location_id, "first": first, "last": last},
    )
