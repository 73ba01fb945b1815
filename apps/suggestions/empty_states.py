"""Why a list of suggestions is empty, and the one thing to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import formats, timezone

from apps.crm.models import Account, Contact, Lead, Opportunity
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, is_module_on
from apps.triggers.models import Scan
from apps.triggers.schedule import next_daily_scan
from apps.users.models import User

_WAITING = frozenset({"mine", "team", "unassigned", "due"})
_OTHERS = {
    "snoozed": ("alarm-clock", "Nothing is snoozed", "What you put away for a while waits here until then."),
    "held_back": (
        "inbox",
        "Nothing is held back",
        "What is above a person's number a day waits here, and comes on one of the next days.",
    ),
    "done": ("history", "No decisions yet", "What was approved or rejected stands here, with its story."),
    "withdrawn": (
        "archive",
        "Nothing was withdrawn",
        "A suggestion that is no longer true, or that nobody decided in time, stands here.",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class EmptyState:
    """What ``templates/_empty.html`` shows; without an address there is nothing to do."""

    sign: str
    title: str
    text: str
    action_url: str = ""
    action_label: str = ""


def empty_state(user: User, view: str, *, held_back: int, now: datetime) -> EmptyState:
    """Why this view is empty; a few queries, asked only then."""
    if view not in _WAITING:
        return EmptyState(*_OTHERS[view])
    if not is_module_on(current_tenant(), Module.SUGGESTIONS):
        return EmptyState(
            "ban",
            "Suggestions are switched off",
            "Your company has this part switched off: nothing is looked for, and nothing can be decided.",
        )
    if not _has_records(user):
        if user.has_perm("crm.add_importrun"):
            return EmptyState(
                "upload",
                "No data yet",
                "Suggestions are about leads, contacts, accounts and deals. Bring yours in to see the first.",
                reverse("crm:import_start"),
                "Import records",
            )
        return EmptyState(
            "inbox",
            "No data yet",
            "Suggestions are about your leads, contacts, accounts and deals.",
        )
    scans = reverse("triggers:scan_list")
    if not Scan.objects.filter(finished_at__isnull=False).exists():
        return EmptyState(
            "radar", "Nothing has been looked at yet", "The first scan finds what needs doing.",
            scans, "See the scans",
        )  # fmt: skip
    if held_back:
        return EmptyState(
            "circle-check",
            "All clear for now",
            f"{held_back:,} more wait behind your number a day; the next come tomorrow at the latest.",
            f"{reverse('suggestions:queue')}?view=held_back",
            "See what is held back",
        )
    return EmptyState(
        "circle-check",
        "All clear",
        f"What changes is looked at as it happens, and everything at {_clock(next_daily_scan(now))}.",
        scans,
        "See the scans",
    )


def _has_records(user: User) -> bool:
    kinds = (Lead, Opportunity, Contact, Account)
    return any(kind.objects.visible_to(user).exists() for kind in kinds)


def _clock(moment: datetime) -> str:
    return formats.time_format(timezone.localtime(moment), "H:i")
