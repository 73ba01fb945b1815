"""Whether the parts that a request needs are there."""

from __future__ import annotations

import logging

from django.core.cache import cache
from django.db import DatabaseError, connection
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


def check_parts() -> dict[str, bool]:
    """Ask the database and the broker for a sign of life."""
    return {"database": _database_answers(), "broker": _broker_answers()}


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    except DatabaseError:
        log.warning("the database does not answer")
        return False


def _broker_answers() -> bool:
    try:
        cache.get("readiness")
    except (RedisError, OSError):
        log.warning("the broker does not answer")
        return False
    return True
