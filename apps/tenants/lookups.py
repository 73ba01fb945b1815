"""``column__any_of=[…]``: one of many ids, given to the database as one array."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models.lookups import Lookup


# Foreign keys inherit no look-ups of other fields.
@models.ForeignKey.register_lookup
@models.Field.register_lookup
class AnyOf(Lookup):
    """Like ``in``, without a parameter for each value: thousands of them cost more than the question."""

    lookup_name = "any_of"
    prepare_rhs = False

    def __init__(self, lhs: Any, rhs: Iterable[int | str]) -> None:
        super().__init__(lhs, list(rhs))

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """The comparison with the array."""
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", (*params, self.rhs)
