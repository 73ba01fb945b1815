"""What somebody wants to see of what was discovered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Q

from apps.crm.forms.filters import ME, NOBODY
from apps.triggers.enums import Discovery
from apps.users.models import User


class Order(StrEnum):
    """In which order records stand."""

    STRONGEST = ""
    VALUE = "value"
    NEWEST = "newest"
    OLDEST = "oldest"


ORDER_LABELS = {
    Order.STRONGEST: "Strongest first",
    Order.VALUE: "Most at stake first",
    Order.NEWEST: "Newest first",
    Order.OLDEST: "Longest found first",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose records, and which of them; all that is left out narrows nothing.

    ``owner`` is ``me``, ``nobody`` or an id, ``team`` an id. Until ``seen_until`` the person has seen what
    was found; what is found later is new.
    """

    person: User
    now: datetime
    seen_until: datetime | None
    text: str = ""
    owner: str = ""
    team: str = ""
    discovery: Discovery | None = None
    only_new: bool = False
    order: Order = Order.STRONGEST

    def of_owners(self) -> Q:
        """Records of the people asked for."""
        owned = Q()
        if self.owner == NOBODY:
            owned &= Q(owner=None)
        elif self.owner:
            owned &= Q(owner_id=self.person.pk if self.owner == ME else int(self.owner))
        if self.team:
            owned &= Q(owner__team_id=int(self.team))
        return owned
