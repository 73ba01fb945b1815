"""Reading tables in the order of transactions, so that a slow one is read late and never missed."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from django.db import connection
from django.db.models import BigIntegerField, Func

# The number of the running transaction: whole, with the epoch, so that it does not wrap around.
CURRENT_TRANSACTION = Func(
    template="(pg_current_xact_id()::text::bigint)", output_field=BigIntegerField()
)

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far one can see: all transactions before ``oldest_open`` are over, ``next_one`` has not begun."""

    oldest_open: int
    next_one: int


def read_snapshot() -> Snapshot:
    """Look how far one can see now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(seen)::text::bigint, pg_snapshot_xmax(seen)::text::bigint"
            " FROM pg_current_snapshot() AS seen"
        )
        oldest_open, next_one = cursor.fetchone()
    return Snapshot(oldest_open, next_one)


@contextmanager
def without_nested_loops() -> Iterator[None]:
    """Let the running transaction join nothing row by row, for the length of the block.

    For statements over steps or tables whose sizes the planner does not know: it would take them for a few
    rows each, and compare thousands with thousands one by one. A block that fails has to take its transaction
    or savepoint along, and the setting with it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop = DEFAULT")


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in the order of transactions; rows of one transaction are in the order of their ids."""

    transaction_id: int
    row_id: int

    def encode(self) -> str:
        """As a cursor that clients keep."""
        packed = json.dumps([self.transaction_id, self.row_id]).encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def decode(cls, cursor: str) -> Self:
        """Read a cursor that ``encode`` made; anybody may have sent it.

        Raises:
            ValueError: it is none.
        """
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            numbers = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (binascii.Error, RecursionError) as error:
            raise ValueError("no cursor") from error
        is_pair = isinstance(numbers, list) and len(numbers) == 2
        if not is_pair or not all(type(n) is int and 0 <= n <= _LARGEST for n in numbers):
            raise ValueError("no cursor")
        return cls(*numbers)
