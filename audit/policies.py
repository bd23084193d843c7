"""How migrations fence a table in: every policy reads alike.

A row is let through when the connection sees everything, when the row belongs to one of its
locations, or, where a table says so, when it is about a guest known at one of them: what happened
with a guest elsewhere stands on the guest's page as well. `(SELECT ...)` makes PostgreSQL ask once
per statement and not per row. What may be read may be written: without a rule of its own for new
rows PostgreSQL takes the one for reading.
"""

from __future__ import annotations

from django.db import migrations

# NULL where nothing was said: then no comparison is true.
LOCATIONS = """
CREATE FUNCTION tenure_locations() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT string_to_array(nullif(current_setting('tenure.locations', true), ''), ',')::bigint[]
$$
"""

_EVERYTHING = "(SELECT current_setting('tenure.scope', true)) = 'all'"
_MINE = "= ANY ((SELECT tenure_locations())::bigint[])"


def _condition(location: str, known: str) -> str:
    return f"{_EVERYTHING} OR {location} {_MINE}" + (f" OR {known}" if known else "")


def fenced(table: str, *, location: str = "location_id", known: str = "") -> migrations.RunSQL:
    """Fence a table in by its column of locations; `known`: a further condition that lets a row of
    elsewhere through, asked of no other row."""
    return migrations.RunSQL(
        f"CREATE POLICY tenure_fence ON {table} USING ({_condition(location, known)});"
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY; DROP POLICY tenure_fence ON {table}",
    )


def also_seen(table: str, *, name: str, known: str) -> migrations.RunSQL:
    """What an app above knows lets further rows of a fenced table through. PostgreSQL asks one
    policy after the other in an order of its own: this one too begins with what is
    cheap, or its function would be asked of every row."""
    return migrations.RunSQL(
        f"CREATE POLICY {name} ON {table} USING ({_condition('location_id', known)})",
        f"DROP POLICY {name} ON {table}",
    )


def knows(name: str, *paths: tuple[str, str, str]) -> migrations.RunSQL:
    """A function that says whether a guest is known at a location of the connection, by any of
    these tables (table, column of the guest, column of the location).

    It reads as the owner of the tables, whom no policy binds: asked by the policies of these very
    tables it would otherwise ask itself for ever. Temporary tables come last, so that nobody puts
    one of their own in the place of a real one. Its price is told lower than it is, since
    few rows ever come to it: a dear one would lead the planner astray.
    """
    found = " OR ".join(
        f"EXISTS (SELECT FROM {table} WHERE {guest} = g AND {location} = ANY (mine))"
        for table, guest, location in paths
    )
    return migrations.RunSQL(
        f"""
        CREATE FUNCTION {name}(g bigint) RETURNS boolean LANGUAGE plpgsql
        STABLE PARALLEL SAFE SECURITY DEFINER COST 5 SET search_path = public, pg_temp AS $$
        DECLARE mine bigint[] := tenure_locations();
        BEGIN
            RETURN mine IS NOT NULL AND g IS NOT NULL AND ({found});
        END $$
        """,
        f"DROP FUNCTION {name}(bigint)",
    )


def finds(name: str, *, table: str, key: str, where: str) -> migrations.RunSQL:
    """A function from a pattern to the keys of a table: the policy is asked before a condition
    PostgreSQL does not trust, and LIKE is one, so a search by trigrams would read every row. It
    reads as the owner and gives keys only; what is shown of them is read behind the fence."""
    return migrations.RunSQL(
        f"""
        CREATE FUNCTION {name}(pattern text) RETURNS bigint[] LANGUAGE plpgsql
        STABLE PARALLEL SAFE SECURITY DEFINER
        SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
        BEGIN
            RETURN ARRAY(SELECT {key} FROM {table} WHERE {where});
        END $$
        """,  # noqa: S608 (written by migrations, never from outside)
        f"DROP FUNCTION {name}(text)",
    )
