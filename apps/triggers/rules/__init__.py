"""The triggers, by the records they look at."""

from apps.triggers.registry import TriggerRegistry
from apps.triggers.rules.accounts import AccountAtRisk, AccountSilent, RenewalApproaching
from apps.triggers.rules.contacts import ContactDetailConflict
from apps.triggers.rules.deals import DealStalled
from apps.triggers.rules.engagement import ContactUnresponsive, EngagementShift
from apps.triggers.rules.leads import LeadInactive
from apps.triggers.rules.messages import EmailUnanswered, InboundFromUnknownSender, NewActivity
from apps.triggers.rules.talks import FollowupMissing
from apps.triggers.rules.tasks import TaskOverdue, TasksPilingUp

registry = TriggerRegistry()
for _trigger in (
    AccountAtRisk(),
    AccountSilent(),
    ContactDetailConflict(),
    ContactUnresponsive(),
    DealStalled(),
    EmailUnanswered(),
    EngagementShift(),
    FollowupMissing(),
    InboundFromUnknownSender(),
    LeadInactive(),
    NewActivity(),
    RenewalApproaching(),
    TaskOverdue(),
    TasksPilingUp(),
):
    registry.register(_trigger)

__all__ = ["registry"]
