"""Who will read a suggestion, and which rows may therefore be named in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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

    def __init__(
        self,
        teams: Mapping[int, int | None],
        here: Collection[int] = (),
        overseers: Sequence[int] = (),
    ) -> None:
        self._teams = teams
        self._here = here
        self._overseers = overseers

    @classmethod
    def read(cls, overseers: Sequence[int] = ()) -> Self:
        """Read everybody's team, and who has not left, in one query.

        ``overseers`` are those who see everything and decide (``read_overseers``).
        """
        rows = list(User.objects.order_by().values_list("pk", "team_id", "is_active"))
        teams = {pk: team_id for pk, team_id, _ in rows}
        return cls(teams, frozenset(pk for pk, _, is_active in rows if is_active), overseers)

    def is_here(self, person_id: int | None) -> bool:
        """Whether there is such a person, who has not left: only they can be given something to do."""
        return person_id in self._here

    def may_see(self, assignee_id: int | None, owner_id: int | None) -> bool:
        """Whether everybody who reads this assignee's suggestions may see what ``owner_id`` owns."""
        if owner_id is None or owner_id == assignee_id:
            return True
        team_id = self._teams.get(assignee_id) if assignee_id is not None else None
        return team_id is not None and self._teams.get(owner_id) == team_id

    def has_assignee_seeing(self, *owner_ids: int | None) -> bool:
        """Whether there is somebody, or everybody, who may see what all of these own."""
        return not any(owner_ids) or self.assignee_seeing(*owner_ids) is not None

    def assignee_seeing(self, *owner_ids: int | None) -> int | None:
        """Whose a suggestion is that names what all of these own; None is everybody, or nobody.

        The first of the owners who may see everything, somebody who is here before somebody who has left;
        else an overseer, of the first owner's team where there is one.
        """
        owners = [pk for pk in owner_ids if pk is not None]
        for pk in sorted(owners, key=lambda pk: not self.is_here(pk)):
            if all(self.may_see(pk, owner_id) for owner_id in owners):
                return pk
        if not owners or not self._overseers:
            return None
        team_id = self._teams.get(owners[0])
        return min(self._overseers, key=lambda pk: (self._teams.get(pk) != team_id, pk))

    def allowed(self, assignee_id: int | None, record: RecordT | None) -> RecordT | None:
        """The record, or None when a reader of this assignee's suggestions may not see it."""
        if record is None or not self.may_see(assignee_id, record.owner_id):
            return None
        return record


def read_overseers() -> list[int]:
    """Those who see the records of everyone and decide on suggestions.

    Two queries that the AI's role may not make: it knows nothing of roles.
    """
    deciders = User.objects.with_perm("suggestions.decide_suggestion")
    overseers = User.objects.with_perm("users.see_all_records").filter(pk__in=deciders)
    return list(overseers.order_by("pk").values_list("pk", flat=True))


def readable_beside(record_owner: str) -> Q:
    """The same as a condition on rows that hang on a record; ``record_owner`` leads to its owner."""
    return (
        Q(owner=None)
        | Q(owner=F(record_owner))
        | Q(owner__team__isnull=False, owner__team=F(f"{record_owner}__team"))
    )
