"""What a manual scan does before it looks: records that changed are compared for duplicates.

They are compared by the minute anyway, and all of them by night; what changed just before is seen, too.
Where weights are to be learned anew, a look at all records is queued, and the next round tells of its pairs.
"""

from __future__ import annotations

import logging
from datetime import datetime

from apps.duplicates.services.work import match_changed
from apps.duplicates.tasks import send_run
from apps.tenants.enums import Module
from apps.tenants.models import Tenant
from apps.tenants.services import is_module_on

log = logging.getLogger(__name__)


def compare_changed(tenant: Tenant, now: datetime) -> list[str]:
    """Compare what changed, where duplicates are switched on; return what went wrong, a line each."""
    if not is_module_on(tenant, Module.DUPLICATES):
        return []
    try:
        for run in match_changed(now):
            send_run(run)
    except Exception as error:
        log.exception("records could not be compared for duplicates")
        return [f"duplicates: {type(error).__name__}"]
    return []
