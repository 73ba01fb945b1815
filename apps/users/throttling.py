"""How many calls of the API one token and one tenant may make in a minute, counted in Valkey.

Each count begins with a first call and ends a minute later. What one token is refused does not count for its
tenant. Without Valkey nobody is refused: the limits keep one client from slowing down the others, and to
answer nobody would be worse.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from apps.tenants.connections import tenant_connection
from apps.tenants.valkey import valkey
from apps.users.exceptions import CallsThrottledError
from apps.users.models import ApiToken, User

log = logging.getLogger(__name__)

WINDOW_S = 60

# The number of the limit that is reached, from 1 on, and the seconds until its count ends; 0 for none.
_COUNT = """
for i, key in ipairs(KEYS) do
    local calls = redis.call('INCR', key)
    if calls == 1 then
        redis.call('EXPIRE', key, tonumber(ARGV[1]))
    end
    if calls > tonumber(ARGV[1 + i]) then
        return {i, redis.call('TTL', key)}
    end
end
return {0, 0}
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """What is counted, and how many calls a minute it may make."""

    what: str
    key: str
    calls: int


class CallThrottle(BaseThrottle):
    """Refuses what is beyond the limits."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the call.

        Raises:
            CallsThrottledError: a limit is reached.
        """
        limits = _limits_of(request)
        if not limits:
            return True
        try:
            reached, wait_s = valkey().eval(
                _COUNT,
                len(limits),
                *(limit.key for limit in limits),
                WINDOW_S,
                *(limit.calls for limit in limits),
            )
        except RedisError:
            log.warning("calls of the API cannot be counted, so none is refused")
            return True
        if reached:
            limit = limits[reached - 1]
            raise CallsThrottledError(limit.what, limit.calls, max(wait_s, 1))
        return True


def _limits_of(request: Request) -> list[Limit]:
    """The narrower limit first; one of 0 calls is none. The description is open to strangers."""
    if not isinstance(request.user, User):
        return []
    schema = tenant_connection().schema_name
    if isinstance(request.auth, ApiToken):
        what, caller = "token", f"token:{request.auth.pk}"
    else:
        what, caller = "person", f"person:{request.user.pk}"
    limits = (
        Limit(what, f"aisha:calls:{schema}:{caller}", settings.API_CALLS_PER_MINUTE),
        Limit("tenant", f"aisha:calls:{schema}", settings.API_CALLS_PER_MINUTE_OF_TENANT),
    )
    return [limit for limit in limits if limit.calls > 0]
