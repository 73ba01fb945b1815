"""What the tests of the record pages share: a record of every kind, and reading an answer."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from apps.crm.enums import RecordKind
from apps.crm.models import MergeableRecord, Record
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    DraftFactory,
    LeadFactory,
    OpportunityFactory,
    ProductFactory,
    TaskFactory,
    merge,
)

FACTORIES: dict[RecordKind, Any] = {
    RecordKind.LEAD: LeadFactory,
    RecordKind.CONTACT: ContactFactory,
    RecordKind.ACCOUNT: AccountFactory,
    RecordKind.OPPORTUNITY: OpportunityFactory,
    RecordKind.ACTIVITY: ActivityFactory,
    RecordKind.TASK: TaskFactory,
    RecordKind.CONTRACT: ContractFactory,
    RecordKind.PRODUCT: ProductFactory,
    RecordKind.DRAFT: DraftFactory,
}
# Everybody may see the price list; all else belongs to somebody.
OWNED_KINDS = [kind for kind in RecordKind if kind != RecordKind.PRODUCT]


def make(kind: RecordKind, **fields: Any) -> Record:
    """Make a record of a kind."""
    record: Record = FACTORIES[kind](**fields)
    return record


def merged_pair(kind: RecordKind, **fields: Any) -> tuple[MergeableRecord, MergeableRecord]:
    """A record of another system that was merged, and its survivor."""
    record, survivor = make(kind, source="erp", external_id="1", **fields), make(kind, **fields)
    assert isinstance(record, MergeableRecord)
    assert isinstance(survivor, MergeableRecord)
    merge(record, survivor)
    record.refresh_from_db()
    return record, survivor


def url(kind: RecordKind | str, page: str, *args: int) -> str:
    """The address of a page of a kind: ``url("lead", "edit", 7)``."""
    return reverse(f"crm:{RecordKind(kind).value}_{page}", args=args)


def listed(answer: HttpResponse) -> list[int]:
    """The ids of the records in a list, in order."""
    return [row.record.pk for row in answer.context["rows"]]  # type: ignore[attr-defined]


class _Text(HTMLParser):
    """Collects the words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def words(answer: HttpResponse) -> str:
    """The text of a page, in one line."""
    parser = _Text()
    parser.feed(answer.content.decode())
    return " ".join(" ".join(parser.parts).split()).replace("\u00a0", " ")


def sent(form: Any, **changes: Any) -> dict[str, Any]:
    """What a browser would send for an unsent form, with some boxes changed."""
    # The page was written in the tenant's time zone.
    with timezone.override("Europe/Berlin"):
        data = _boxes(form)
    data.update(changes)
    return {name: value for name, value in data.items() if value is not None}


def _boxes(form: Any) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for field in form:
        value, widget = field.value(), field.field.widget
        if field.widget_type == "checkbox":
            data[field.html_name] = "on" if value else None
            continue
        written = widget.format_value(value)
        if isinstance(written, list):
            offered = {str(option) for option, _ in widget.choices}
            written = written[0] if written and written[0] in offered else ""
        data[field.html_name] = "" if written is None else written
    return data
