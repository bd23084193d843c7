"""What a load balancer, a container or the demo's starter asks: is this Tenure well?"""

from __future__ import annotations

import time

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from audit.access import public

HEARTBEAT_KEY = "beat.heartbeat"
# The beat pokes every 30 seconds; two minutes of silence mean beat or worker are away.
HEARTBEAT_LATE_S = 120


def note_heartbeat() -> None:
    """Remember that beat, broker and worker did their round just now, by the machine's clock."""
    cache.set(HEARTBEAT_KEY, time.time(), timeout=24 * 3600)


@public
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while pages can be served, 503 without the database.

    Without Redis, beat or worker the answer is 200 and "degraded": staff can still read, decide
    and stop, and what they decide waits in the database.
    """
    body: dict[str, object] = {"database": "ok", "redis": "ok", "beat_age_seconds": None}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        body["database"] = "unreachable"
    try:
        beaten = cache.get(HEARTBEAT_KEY)
        if beaten is not None:
            body["beat_age_seconds"] = round(max(0.0, time.time() - beaten))
    except RedisError:
        body["redis"] = "unreachable"
    age = body["beat_age_seconds"]
    beat_is_late = not isinstance(age, int) or age > HEARTBEAT_LATE_S
    if body["database"] != "ok":
        body["status"] = "down"
    else:
        body["status"] = "degraded" if body["redis"] != "ok" or beat_is_late else "ok"
    return JsonResponse(body, status=503 if body["status"] == "down" else 200)
