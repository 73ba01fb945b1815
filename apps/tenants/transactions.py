"""The number of the running transaction, for tables that are read in the order of transactions."""

from django.db.models import BigIntegerField, Func

# Whole, with the epoch: it does not wrap around.
CURRENT_TRANSACTION = Func(
    template="(pg_current_xact_id()::text::bigint)", output_field=BigIntegerField()
)
