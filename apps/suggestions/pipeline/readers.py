"""Who will read a suggestion, and which rows may therefore be named in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Self, TypeVar

from django.db.models import F, Q

from apps.crm.models import Record
from apps.users.models import User

RecordT = TypeVar("RecordT", bound=Record)


class Readers:
    """The teams of a tenant's people, read once per batch.

    A suggestion is read by its assignee, their team and managers; one without an assignee by everybody.
    What another team owns is therefore left out of it, even when the pipeline can read it.
    """

    def __init__(self, teams: Mapping[int, int | None], here: Collection[int] = ()) -> None:
        self._teams = teams
        self._here = here

    @classmethod
    def read(cls) -> Self:
        """Read everybody's team, and who has not left, in one query."""
        rows = list(User.objects.order_by().values_list("pk", "team_id", "is_active"))
        teams = {pk: team_id for pk, team_id, _ in rows}
        return cls(teams, frozenset(pk for pk, _, is_active in rows if is_active))

    def is_here(self, person_id: int | None) -> bool:
        """Whether there is such a person, who has not left: only they can be given something to do."""
        return person_id in self._here

    def may_see(self, assignee_id: int | None, owner_id: int | None) -> bool:
        """Whether everybody who reads this assignee's suggestions may see what ``owner_id`` owns."""
        if owner_id is None or owner_id == assignee_id:
            return True
        team_id = self._teams.get(assignee_id) if assignee_id is not None else None
        return team_id is not None and self._teams.get(owner_id) == team_id

    def allowed(self, assignee_id: int | None, record: RecordT | None) -> RecordT | None:
        """The record, or None when a reader of this assignee's suggestions may not see it."""
        if record is None or not self.may_see(assignee_id, record.owner_id):
            return None
        return record


def readable_beside(record_owner: str) -> Q:
    """The same as a condition on rows that hang on a record; ``record_owner`` leads to its owner."""
    return (
        Q(owner=None)
        | Q(owner=F(record_owner))
        | Q(owner__team__isnull=False, owner__team=F(f"{record_owner}__team"))
    )
