"""The triggers, by the records they look at."""

from apps.triggers.registry import TriggerRegistry
from apps.triggers.rules.activities import FollowupMissing, InboundFromUnknownSender
from apps.triggers.rules.contacts import ContactDetailConflict
from apps.triggers.rules.deals import DealStalled
from apps.triggers.rules.leads import LeadInactive
from apps.triggers.rules.tasks import TaskOverdue

registry = TriggerRegistry()
for _trigger in (
    ContactDetailConflict(),
    DealStalled(),
    FollowupMissing(),
    InboundFromUnknownSender(),
    LeadInactive(),
    TaskOverdue(),
):
    registry.register(_trigger)

__all__ = ["registry"]
