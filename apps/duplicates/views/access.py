"""Who may look at duplicates, and at which; and what goes on, which both lists tell."""

from __future__ import annotations

from typing import TypedDict

from django.http import Http404, HttpRequest

from apps.crm.services import refuse_merged
from apps.duplicates.enums import PairState
from apps.duplicates.models import MatchRun, Pair
from apps.duplicates.querysets import RECORD_MODELS
from apps.duplicates.services.decisions import VIEW_PERMISSION
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, is_module_on
from apps.users.models import User
from apps.users.services import person_with


class Standing(TypedDict):
    """Whether duplicates are switched on, the latest run that has ended, and one that goes on."""

    is_on: bool
    last_run: MatchRun | None
    running: MatchRun | None


def viewer_of(request: HttpRequest) -> User:
    """The person, if their role includes to look at duplicates."""
    return person_with(request, VIEW_PERMISSION, "Your role does not let you see duplicates.")


def find_pair(user: User, pair_id: int) -> Pair:
    """Return a pair of which the person may see both records.

    Raises:
        RecordMergedError: one of the two was merged into another record that the person may see.
        Http404: there is none, or not for this person.
    """
    pair = Pair.objects.visible_to(user).filter(pk=pair_id).first()
    if pair is not None and pair.state != PairState.GONE:
        return pair
    for held in Pair.objects.filter(pk=pair_id):
        for ref in (held.duplicate, held.survivor):
            refuse_merged(user, RECORD_MODELS[ref.kind], ref.id)
    raise Http404


def read_standing() -> Standing:
    """What goes on, as the lists' templates have it."""
    return {
        "is_on": is_module_on(current_tenant(), Module.DUPLICATES),
        "last_run": MatchRun.objects.exclude(finished_at=None).first(),
        "running": MatchRun.objects.unfinished().first(),
    }
