"""Looks at what Tenure runs on and says what is wrong and what to do, one finding at a time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from redis import Redis
from redis.exceptions import RedisError

from audit import checkpoints
from config.fenced import FENCED
from config.health import HEARTBEAT_KEY, HEARTBEAT_LATE_S

OLDEST_POSTGRES = 15
OLDEST_REDIS = (6, 2)
CLOCK_SKEW_LIMIT_S = 5.0
CONNECT_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `remedy` is empty when it is as it should be."""

    subject: str
    says: str
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        return not self.remedy


def examine() -> Iterator[Finding]:
    """Look at one thing after the other; what depends on something broken is left out."""
    database = _database()
    yield database
    if database.is_well:
        tables = _migrations()
        yield tables
        yield _clock()
        if tables.is_well:
            yield _database_user()
            yield _fence()
            yield _ledger()
    redis = _redis()
    yield redis
    if redis.is_well:
        yield _redis_keeps_everything()
        yield _beat()
    yield _pages()
    yield _reachable("PLATFORM_URL", settings.PLATFORM["base_url"])
    yield _reachable("SMS_URL", settings.CARRIER["sms_url"])
    yield _reachable("EMAIL_HOST", f"smtp://{settings.EMAIL_HOST}:{settings.EMAIL_PORT}")


def _database() -> Finding:
    where = f"{settings.DATABASES['default']['HOST']}/{settings.DATABASES['default']['NAME']}"
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        return Finding(
            "Database",
            f"{where} does not answer: {_one_line(error)}",
            "Start PostgreSQL, or correct DATABASE_URL (host, port, user, password, name).",
        )
    version = connection.pg_version // 10000  # type: ignore[attr-defined]
    if version < OLDEST_POSTGRES:
        return Finding(
            "Database",
            f"{where} is PostgreSQL {version}.",
            f"Tenure needs PostgreSQL {OLDEST_POSTGRES} or newer.",
        )
    return Finding("Database", f"PostgreSQL {version} at {where}")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        return Finding(
            "Tables", f"{len(waiting)} migrations are missing.", "Run `manage.py migrate`."
        )
    return Finding("Tables", "all migrations are applied")


def _database_user() -> Finding:
    """Whether Tenure works as a user that could not change the ledger if it wanted to."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper OR rolbypassrls,"
            " pg_has_role(current_user, relowner, 'MEMBER'),"
            " has_table_privilege(pg_class.oid, 'UPDATE, DELETE, TRUNCATE')"
            " FROM pg_roles, pg_class"
            " WHERE rolname = current_user AND pg_class.oid = 'audit_ledgerentry'::regclass"
        )
        row = cursor.fetchone()
    assert row is not None
    user, *powers = row
    if any(powers):
        return Finding(
            "Database user",
            f"{user} could change the ledger: it owns the tables, or is a superuser.",
            "Put this address into MIGRATE_DATABASE_URL, name another user in DATABASE_URL, and "
            "run `manage.py migrate`: it makes that user and says what it may do.",
        )
    return Finding("Database user", f"{user} reads and writes rows, and cannot change the ledger")


def _fence() -> Finding:
    """Whether the database itself keeps the rows of one location from the people of another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace AND NOT row_security_active(oid)"
            " ORDER BY relname",
            [sorted(FENCED)],
        )
        bare = [row[0] for row in cursor.fetchall()]
    if bare:
        return Finding(
            "Fence",
            f"the database shows every row of {len(bare)} of {len(FENCED)} tables to everybody: "
            f"{', '.join(bare[:3])}{' ...' if len(bare) > 3 else ''}.",
            "Name a user in DATABASE_URL that owns nothing, and the owner in "
            "MIGRATE_DATABASE_URL; then run `manage.py migrate`.",
        )
    return Finding("Fence", f"{len(FENCED)} tables show each person the rows of their locations")


def _clock() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        row = cursor.fetchone()
    assert row is not None
    apart = abs(float(row[0]) - time.time())
    if apart > CLOCK_SKEW_LIMIT_S:
        return Finding(
            "Clock",
            f"this machine and the database are {apart:.0f} s apart.",
            "Quiet hours and holds need one time: set up NTP on both machines.",
        )
    return Finding("Clock", f"{apart:.1f} s from the database's")


def _ledger() -> Finding:
    try:
        checkpoints.check()
        checkpoints.path().parent.mkdir(parents=True, exist_ok=True)
        checkpoints.path().touch()
    except checkpoints.Behind as error:
        return Finding("Ledger", "nothing is sent.", str(error))
    except OSError as error:
        return Finding(
            "Ledger",
            f"{checkpoints.path()} cannot be written: {_one_line(error)}",
            "Let Tenure's own user write into LEDGER_EXPORT_DIR.",
        )
    return Finding("Ledger", f"checkpoints go to {checkpoints.path()}")


def _ask_redis(question: Callable[[Redis], Any]) -> Any:
    with Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=CONNECT_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        decode_responses=True,
    ) as client:
        return question(client)


def _redis() -> Finding:
    where = urlsplit(settings.REDIS_URL).hostname
    try:
        version = str(_ask_redis(lambda client: client.info("server"))["redis_version"])
    except RedisError as error:
        return Finding(
            "Redis",
            f"{where} does not answer: {_one_line(error)}",
            "Start Redis (or Valkey), or correct REDIS_URL (host, port, password).",
        )
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        return Finding("Redis", f"{where} is Redis {version}.", "Tenure needs 6.2 or newer.")
    return Finding("Redis", f"Redis protocol {version} at {where}")


def _redis_keeps_everything() -> Finding:
    try:
        policy = _ask_redis(lambda client: client.config_get("maxmemory-policy"))
    except RedisError:
        # Managed servers often forbid CONFIG; then their console is the place to look.
        return Finding("Redis memory", "may not be asked here; see that it is noeviction")
    if policy.get("maxmemory-policy") != "noeviction":
        return Finding(
            "Redis memory",
            f"maxmemory-policy is {policy.get('maxmemory-policy')}.",
            "Redis would drop waiting tasks when full: set it to noeviction.",
        )
    return Finding("Redis memory", "noeviction")


def _beat() -> Finding:
    beaten = cache.get(HEARTBEAT_KEY)
    age = None if beaten is None else time.time() - beaten
    if age is None or age > HEARTBEAT_LATE_S:
        return Finding(
            "Worker and beat",
            "no round seen yet." if age is None else f"the last round was {age:.0f} s ago.",
            "Start `celery -A config worker --queues now` and `celery -A config beat`.",
        )
    return Finding("Worker and beat", f"last round {age:.0f} s ago")


def _pages() -> Finding:
    if isinstance(staticfiles_storage, ManifestFilesMixin) and not staticfiles_storage.hashed_files:
        return Finding(
            "Styles and scripts", "are not collected.", "Run `manage.py collectstatic --no-input`."
        )
    return Finding("Styles and scripts", "are in place")


def _reachable(setting: str, url: str) -> Finding:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        return Finding(
            setting,
            f"{parts.hostname}:{port} does not answer: {_one_line(error)}",
            f"Correct {setting}, or open the firewall for it.",
        )
    return Finding(setting, f"{parts.hostname}:{port} answers")


def _one_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
