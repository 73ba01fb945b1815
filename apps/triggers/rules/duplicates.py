"""Records that are on file twice: what a likely pair calls for."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from django.db.models import Case, Count, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import JSONObject, NullIf
from pydantic import Field

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.duplicates.enums import Subject
from apps.duplicates.models import Pair
from apps.duplicates.querysets import compared_records
from apps.triggers.edges import Edge
from apps.triggers.enums import Discovery, Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules.interest import in_percent
from apps.triggers.watches import Own, Paired


class DuplicateParameters(Parameters):
    """How probable it must be that two records are the same."""

    probability_percent: Annotated[
        int,
        Field(
            ge=30,
            le=100,
            title="Probability of",
            description="Less probable pairs wait on the page of duplicates.",
        ),
    ] = 80


class DuplicateTrigger(Trigger[DuplicateParameters]):
    """What the triggers for leads, contacts and accounts have in common: the survivor of a likely pair.

    Of several pairs the most probable one counts; after its merge the next one does. A record that survives
    nobody is left to the one that would survive it.
    """

    subject: ClassVar[Subject]
    goal = Goal.MERGE_DUPLICATES
    discovers = Discovery.DUPLICATE
    tools = ("merge_duplicates",)
    severity = Severity.NORMAL
    has_past = False
    parameters_type = DuplicateParameters

    def matching(self, moment: ScanMoment, parameters: DuplicateParameters) -> QuerySet[Any]:
        """Records that survive an open, likely pair of which both are there to be compared."""
        pairs = self._pairs(parameters)
        own = pairs.filter(survivor_id=OuterRef("pk"))
        # By what is told: a pair that changes behind it is not marked as changed.
        strongest = own.order_by(in_percent(F("probability")).desc(), "pk")
        count = own.order_by().values("survivor_kind").annotate(count=Count("pk")).values("count")
        found: QuerySet[Any] = (
            compared_records(self.record_kind)
            .filter(pk__in=pairs.order_by().values("survivor_id"))
            .annotate(
                facts=JSONObject(
                    pair_id=Subquery(strongest.values("pk")[:1]),
                    duplicate_kind=Subquery(strongest.values("duplicate_kind")[:1]),
                    duplicate_id=Subquery(strongest.values("duplicate_id")[:1]),
                    probability_0_1=Subquery(
                        strongest.values(told=in_percent(F("probability")))[:1]
                    ),
                    more_count=NullIf(Subquery(count) - 1, Value(0)),
                    duplicate_revision=Subquery(strongest.values("duplicate_revision")[:1]),
                    revision="revision",
                )
            )
        )
        return found

    def edges(self, moment: ScanMoment, parameters: DuplicateParameters) -> tuple[Edge, ...]:
        """None: time alone makes no two records the same."""
        return ()

    def _pairs(self, parameters: DuplicateParameters) -> QuerySet[Any]:
        """Likely pairs that a record of the kind would survive; probabilities are told in whole percent."""
        least = (parameters.probability_percent - 0.5) / 100
        others = {
            kind: compared_records(kind).order_by().filter(pk=OuterRef("duplicate_id"))
            for kind in self.subject.kinds
        }
        revision = Case(
            *(
                When(duplicate_kind=kind, then=Subquery(other.values("revision")))
                for kind, other in others.items()
            )
        )
        # The revision of a record that is not there, was merged or converted, is none.
        return (
            Pair.objects.of_subject(self.subject)
            .likely()
            .annotate(duplicate_revision=revision)
            .filter(
                duplicate_revision__isnull=False,
                survivor_kind=self.record_kind,
                probability__gte=least,
            )
        )


class LeadDuplicate(DuplicateTrigger):
    """A lead that is on file a second time, as another lead.

    Of several pairs the most probable one counts; after its merge the next one does. Four in five: on the
    open table fake_1000, with 2,031 pairs of the same person, 99.6 % of the pairs that the matcher gave 80 %
    or more were the same, and 85 % of all that are the same were among them; from 50 % on it was 98.5 and
    89 %, from 95 % on 99.9 and 79 %. A merge moves what many people work with, so that a false one costs
    more than a pair that waits on the page of duplicates.
    """

    key = "lead_duplicate"
    label = "Lead on file twice"
    record_kind = RecordKind.LEAD
    subject = Subject.PERSON
    watches = (Own(), Paired(Subject.PERSON))


class ContactDuplicate(DuplicateTrigger):
    """A contact that is on file a second time, as another contact or still as a lead.

    A lead never survives a contact. Where the least probability comes from is told at ``lead_duplicate``.
    """

    key = "contact_duplicate"
    label = "Contact on file twice"
    record_kind = RecordKind.CONTACT
    subject = Subject.PERSON
    watches = (Own(), Paired(Subject.PERSON))


class AccountDuplicate(DuplicateTrigger):
    """A company that is on file a second time.

    Where the least probability comes from is told at ``lead_duplicate``.
    """

    key = "account_duplicate"
    label = "Account on file twice"
    record_kind = RecordKind.ACCOUNT
    subject = Subject.COMPANY
    watches = (Own(), Paired(Subject.COMPANY))
