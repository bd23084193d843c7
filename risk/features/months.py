"""The roll-up of how bookings ended, month by month (`OutcomeMonth`)."""

from __future__ import annotations

from datetime import date

from django.db import connection

# One statement for the three scopes. A booking that still stands, was voided or vanished says
# nothing. Months are those of the local day of the start.
REBUILD = """
INSERT INTO risk_outcomemonth (scope, scope_id, month_on, ended, cancelled, no_shows)
SELECT s.scope, s.scope_id, s.month_on, s.ended, s.cancelled, s.no_shows FROM (
    SELECT
        CASE WHEN GROUPING(location_id) = 0 THEN 'location'
             WHEN GROUPING(service_id) = 0 THEN 'service' ELSE 'business' END AS scope,
        COALESCE(CASE WHEN GROUPING(location_id) = 0 THEN location_id END,
                 CASE WHEN GROUPING(service_id) = 0 THEN service_id END, 0) AS scope_id,
        DATE_TRUNC('month', starts_on)::date AS month_on,
        GROUPING(service_id) = 0 AND service_id IS NULL AS nameless,
        COUNT(*) AS ended,
        COUNT(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        COUNT(*) FILTER (WHERE status = 'no_show') AS no_shows
    FROM memberships_appointment
    WHERE starts_on >= %(from_on)s AND starts_on < %(until_on)s AND vanished_at IS NULL
    AND status IN ('completed', 'checked_in', 'cancelled', 'no_show')
    GROUP BY GROUPING SETS ((DATE_TRUNC('month', starts_on)::date, location_id),
                            (DATE_TRUNC('month', starts_on)::date, service_id),
                            (DATE_TRUNC('month', starts_on)::date))
) s WHERE NOT s.nameless
ON CONFLICT (scope, scope_id, month_on) DO UPDATE SET
    ended = EXCLUDED.ended, cancelled = EXCLUDED.cancelled, no_shows = EXCLUDED.no_shows
WHERE (risk_outcomemonth.ended, risk_outcomemonth.cancelled, risk_outcomemonth.no_shows)
    IS DISTINCT FROM (EXCLUDED.ended, EXCLUDED.cancelled, EXCLUDED.no_shows)
"""


def rebuild_outcome_months(*, from_on: date, until_on: date) -> int:
    """Count again the whole months from `from_on` up to `until_on`; returns rows that changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            REBUILD, {"from_on": from_on.replace(day=1), "until_on": until_on.replace(day=1)}
        )
        return int(cursor.rowcount)
