"""The reading vocabulary of pairs and of what they are told by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.crm.enums import LeadStatus, RecordKind
from apps.crm.models import Account, Contact, Lead
from apps.crm.services import permission_name, visible_records
from apps.duplicates.enums import PairState, Subject
from apps.duplicates.matching.keys import EDITION
from apps.execution.schemas import RecordRef

if TYPE_CHECKING:
    # Ruff does not see a use inside the quotes of a base class.
    from apps.duplicates.models import MatchCursor, Matcher, Pair  # noqa: F401
    from apps.users.models import User

# The records that may be the same as others, by kind.
RECORD_MODELS: dict[RecordKind, type[Lead] | type[Contact] | type[Account]] = {
    RecordKind.LEAD: Lead,
    RecordKind.CONTACT: Contact,
    RecordKind.ACCOUNT: Account,
}
# Which of a kind are compared, where not all are.
_COMPARED = {RecordKind.LEAD: ~Q(status=LeadStatus.CONVERTED)}


def compared_records(kind: RecordKind) -> models.QuerySet[Any]:
    """The records of a kind that may be the same as another.

    Merged ones never, and no converted leads: such a lead lives on as its contact, and is no duplicate of it.
    """
    return RECORD_MODELS[kind].objects.filter(_COMPARED.get(kind, Q()))


class PairQuerySet(models.QuerySet["Pair"]):
    """Pairs of records."""

    def of_subject(self, subject: Subject) -> Self:
        """Pairs of people, or of companies."""
        return self.filter(subject=subject)

    def open(self) -> Self:
        """Pairs that a person may still look at, the likely and the others."""
        return self.filter(state=PairState.OPEN)

    def known(self) -> Self:
        """Pairs that clusters are made of: those to look at, and those that somebody has settled."""
        return self.filter(state__in=(PairState.OPEN, PairState.NOT_DUPLICATE))

    def likely(self) -> Self:
        """Open pairs at or above the threshold against which nothing stands."""
        return self.open().filter(is_likely=True)

    def surest_first(self) -> Self:
        """By band, as ``bands`` has them, and by probability in it: every band begins but once."""
        return self.order_by("-is_likely", "-probability", "id")

    def of_record(self, kind: RecordKind | str, record_id: int) -> Self:
        """The pairs of one record, whichever of the two it is."""
        return self.of_either([RecordRef(RecordKind(kind), record_id)])

    def of_either(self, refs: Iterable[RecordRef]) -> Self:
        """The pairs of any of some records."""
        found = Q()
        for ref in refs:
            found |= Q(survivor_kind=ref.kind, survivor_id=ref.id)
            found |= Q(duplicate_kind=ref.kind, duplicate_id=ref.id)
        return self.filter(found)

    def in_cluster(self, cluster: int) -> Self:
        """The pairs of one cluster."""
        return self.filter(cluster=cluster)

    def visible_to(self, user: User) -> Self:
        """Pairs of which this person may see both records; merged records are seen by nobody."""
        seen = self
        for side in ("survivor", "duplicate"):
            of_side = Q()
            for kind, model in RECORD_MODELS.items():
                if user.has_perm(permission_name("view", model)):
                    visible = visible_records(user, model).filter(pk=OuterRef(f"{side}_id"))
                    of_side |= Q(Exists(visible), **{f"{side}_kind": kind})
            seen = seen.filter(of_side) if of_side else seen.none()
        return seen


class MatcherQuerySet(models.QuerySet["Matcher"]):
    """What was learned about telling duplicates."""

    def current(self, subject: Subject) -> Matcher | None:
        """What is in force for a subject, if anything was learned yet."""
        return self.filter(subject=subject, is_current=True).first()


class MatchCursorQuerySet(models.QuerySet["MatchCursor"]):
    """Up to where the change log has been read."""

    def reached(self, subject: Subject) -> int | None:
        """The transaction that is read next for a subject; None where nobody has looked at everything yet.

        With keys of another edition nobody has, either.
        """
        reached = self.filter(subject=subject, keys_edition=EDITION)
        return reached.values_list("transaction_id", flat=True).first()
