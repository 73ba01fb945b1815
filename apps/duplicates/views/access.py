"""Who may look at duplicates, and at which."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from apps.crm.services import refuse_merged
from apps.duplicates.enums import PairState
from apps.duplicates.models import Pair
from apps.duplicates.querysets import RECORD_MODELS
from apps.duplicates.services.decisions import VIEW_PERMISSION
from apps.users.models import User
from apps.users.services import person_with


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
