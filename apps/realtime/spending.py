"""What a company has spent on calls in a month, and what it may still spend."""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal

from django.db import DatabaseError, connection

from apps.realtime.config import RealtimeConfig
from apps.realtime.models import Session
from apps.tenants.connections import failing_alone
from apps.tenants.models import Tenant

log = logging.getLogger("aisha.realtime")


def left_of_month(config: RealtimeConfig, tenant: Tenant, now: datetime) -> Decimal:
    """What is left of the limit of a month, in US dollars; a limit that cannot be read is reached.

    The month is the one that the company has by then.
    """
    begins = now.astimezone(tenant.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    try:
        with failing_alone():
            spent = _spent_since(begins)
    except DatabaseError:
        log.exception("what realtime voice has cost this month could not be read")
        return Decimal(0)
    return config.limits.month_usd - (spent or Decimal(0))


def _spent_since(begins: datetime) -> Decimal | None:
    """What sessions have cost since then.

    Planned for that moment: for any, as what is prepared is, all rows that there are would be read.
    """
    table = Session._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT sum(cost_usd) FROM "{table}" WHERE issued_at >= %s',  # noqa: S608
            [begins],
        )
        spent: Decimal | None = cursor.fetchone()[0]
    return spent
