"""The triggers, by the records they look at."""

from apps.triggers.registry import TriggerRegistry
from apps.triggers.rules.accounts import AccountAtRisk, AccountSilent, RenewalApproaching
from apps.triggers.rules.contacts import ContactDetailConflict
from apps.triggers.rules.deals import (
    DealCloseDatePast,
    DealCloseDatePushed,
    DealDecaying,
    DealHot,
    DealRegressed,
    DealSingleThreaded,
    DealStalled,
)
from apps.triggers.rules.duplicates import AccountDuplicate, ContactDuplicate, LeadDuplicate
from apps.triggers.rules.engagement import ContactUnresponsive
from apps.triggers.rules.leads import LeadHot, LeadInactive, LeadNew, LeadScoreDrop
from apps.triggers.rules.messages import EmailUnanswered, InboundFromUnknownSender, NewActivity
from apps.triggers.rules.shifts import AccountEngagementShift, EngagementShift
from apps.triggers.rules.talks import FollowupMissing, PromiseDue
from apps.triggers.rules.tasks import TaskOverdue, TasksPilingUp

registry = TriggerRegistry()
for _trigger in (
    AccountAtRisk(),
    AccountDuplicate(),
    AccountEngagementShift(),
    AccountSilent(),
    ContactDetailConflict(),
    ContactDuplicate(),
    ContactUnresponsive(),
    DealCloseDatePast(),
    DealCloseDatePushed(),
    DealDecaying(),
    DealHot(),
    DealRegressed(),
    DealSingleThreaded(),
    DealStalled(),
    EmailUnanswered(),
    EngagementShift(),
    FollowupMissing(),
    InboundFromUnknownSender(),
    LeadDuplicate(),
    LeadHot(),
    LeadInactive(),
    LeadNew(),
    LeadScoreDrop(),
    NewActivity(),
    PromiseDue(),
    RenewalApproaching(),
    TaskOverdue(),
    TasksPilingUp(),
):
    registry.register(_trigger)

__all__ = ["registry"]
