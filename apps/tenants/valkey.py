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
