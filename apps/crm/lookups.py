"""The look-up behind the search of lists: one that a trigram index serves."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Lookup


@models.CharField.register_lookup
@models.TextField.register_lookup
class Mentions(Lookup):
    """``field__mentions="isd"``: the text occurs somewhere, in capitals or not.

    ``icontains`` compares ``UPPER(field)``, which no index on the field itself can serve: a search in
    200,000 rows then reads them all.
    """

    lookup_name = "mentions"

    def get_prep_lookup(self) -> str:
        """Wrap the text in wildcards, and take its own for plain signs."""
        text = str(self.rhs)
        for sign in ("\\", "%", "_"):
            text = text.replace(sign, f"\\{sign}")
        return f"%{text}%"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Write it as ILIKE."""
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} ILIKE {right}", (*left_params, *right_params)
