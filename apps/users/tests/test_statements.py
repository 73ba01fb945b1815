"""Statements that are written once for all people of a kind."""

from __future__ import annotations

from django.db.models import F

from apps.conftest import Cast
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.users.statements import ROWS_PLACE, RowsStatement


def test_rows_are_those_of_the_queryset_with_what_is_annotated_and_its_people(cast: Cast) -> None:
    owned = LeadFactory(owner=cast.rep, attributes={"size": [1, 2]})
    others = LeadFactory(owner=None)
    LeadFactory()
    written = RowsStatement.of(
        Lead.objects.filter(pk__any_of=[ROWS_PLACE]).annotate(again=F("last_name")).order_by("pk"),
        people=["owner"],
    )

    rows = written.rows_for(cast.rep, row_ids=[owned.pk, others.pk])

    assert rows == [owned, others]
    assert [row.again for row in rows] == [owned.last_name, others.last_name]
    assert [row.attributes for row in rows] == [{"size": [1, 2]}, {}]
    assert [row.created_at for row in rows] == [owned.created_at, others.created_at]
    assert [str(row.owner) for row in rows] == [str(cast.rep), "None"]
    assert not rows[0].get_deferred_fields()


def test_rows_of_no_ids_are_none(cast: Cast) -> None:
    LeadFactory()
    written = RowsStatement.of(Lead.objects.filter(pk__any_of=[ROWS_PLACE]))

    assert written.rows_for(cast.rep) == []
