"""What the experiments of the plays taught, lent to the scores as a view."""

from django.db import migrations

# A guest drawn into an arm while a member, and whether a membership still bound 60 days later. One
# that ended meanwhile counts as kept if another began within two weeks of the sixtieth day. The
# outcome is known once those two weeks have passed. Guests who were no members when drawn are not
# measured: for them there was nothing to keep.
VIEW = """
CREATE VIEW risk_experiment_case AS
SELECT h.guest_id,
    h.play_id AS play,
    NOT h.is_held_out AS treated,
    h.drawn_on,
    h.drawn_on + 74 AS outcome_known_on,
    EXISTS (
        SELECT 1 FROM memberships_membership m
        WHERE m.guest_id = h.guest_id AND m.status NOT IN ('deleted', 'not_started')
        AND m.started_on <= h.drawn_on + 74
        AND (m.ended_on > h.drawn_on + 60
            OR m.ended_on IS NULL AND m.status IN ('active', 'frozen', 'suspended', 'failed'))
    ) AS outcome
FROM (
    SELECT guest_id, play_id, is_held_out, (assigned_at AT TIME ZONE 'UTC')::date AS drawn_on
    FROM outreach_holdout
) h
WHERE EXISTS (
    SELECT 1 FROM memberships_membership m
    WHERE m.guest_id = h.guest_id AND m.status <> 'deleted'
    AND m.started_on <= h.drawn_on AND (m.ended_on IS NULL OR m.ended_on > h.drawn_on)
    AND (m.ended_on IS NOT NULL OR m.status IN ('active', 'frozen', 'suspended', 'failed'))
)
"""


class Migration(migrations.Migration):
    dependencies = [("outreach", "0001_initial")]

    operations = [migrations.RunSQL(VIEW, "DROP VIEW risk_experiment_case")]
