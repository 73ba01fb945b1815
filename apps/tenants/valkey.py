"""The connection to Valkey that a process keeps for what Django's cache and Celery do not do."""

from __future__ import annotations

from functools import cache
from typing import Any

import redis
from django.conf import settings


@cache
def valkey() -> Any:
    """The process's client; untyped, because redis types each answer as one that may have to be awaited."""
    return redis.Redis.from_url(settings.REDIS_URL)


def count_within(key: str, window_s: int, *, by: int = 1) -> tuple[int, int]:
    """Raise a counter that lasts from its first count; return it, and in how many seconds it begins anew.

    Raises:
        RedisError: Valkey cannot be reached.
    """
    with valkey().pipeline() as pipeline:
        pipeline.incrby(key, by)
        pipeline.expire(key, window_s, nx=True)
        pipeline.ttl(key)
        count, _, left_s = pipeline.execute()
    return count, left_s
