"""How many calls are under way at once, per tenant and over all: leases that all workers share.

Held in Valkey, by its own clock; a lease that nobody gives back, because its worker was killed, runs out.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis.exceptions import RedisError

from apps.tenants.valkey import valkey

log = logging.getLogger(__name__)

# Longer than any batch of calls may take.
LEASE_S = 300
# How long a batch waits for a turn, and how often it looks.
WAIT_S = 20.0
_LOOK_EVERY_S = 0.2

_TAKE = """
local now = tonumber(redis.call('TIME')[1])
local granted = tonumber(ARGV[3])
for i, key in ipairs(KEYS) do
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    granted = math.min(granted, tonumber(ARGV[3 + i]) - redis.call('ZCARD', key))
end
for n = 1, granted do
    for _, key in ipairs(KEYS) do
        redis.call('ZADD', key, now + tonumber(ARGV[2]), ARGV[1] .. ':' .. n)
        redis.call('EXPIRE', key, tonumber(ARGV[2]) * 2)
    end
end
return math.max(granted, 0)
"""


@contextmanager
def taking_slots(
    tenant: str, *, wanted: int, tenant_limit: int, overall_limit: int, wait_s: float = WAIT_S
) -> Iterator[int]:
    """Hold up to ``wanted`` slots for the block, and give the number that was granted.

    Waits up to ``wait_s`` for a first one; 0 when there was none, or when nobody can tell.
    """
    client = valkey()
    take = client.register_script(_TAKE)
    lease = uuid.uuid4().hex
    keys = [f"aisha:brain:slots:{tenant}", "aisha:brain:slots"]
    deadline = time.monotonic() + wait_s
    while True:
        try:
            args: list[str | int] = [lease, LEASE_S, wanted, tenant_limit, overall_limit]
            granted = int(take(keys=keys, args=args))
        except RedisError:
            log.warning("the language model is not asked: its slots cannot be counted")
            granted = 0
            break
        if granted or time.monotonic() >= deadline:
            break
        time.sleep(_LOOK_EVERY_S)
    try:
        yield granted
    finally:
        if granted:
            held = [f"{lease}:{number}" for number in range(1, granted + 1)]
            # What has been answered is worth more than a slot, which runs out by itself.
            with suppress(RedisError):
                for key in keys:
                    client.zrem(key, *held)
