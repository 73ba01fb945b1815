"""What the page of editing shows: the form, and what somebody else changed while it was open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.utils import formats, timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.crm.enums import RecordKind
from apps.execution.custom_names import column_of, custom_key, flat, nested
from apps.execution.descriptions import arguments_of
from apps.execution.diff import NOTHING, label_of, text_of
from apps.execution.forms import ArgumentsForm
from apps.execution.schemas import JsonValue
from apps.execution.tools import Tool
from apps.execution.tools import registry as tools
from apps.execution.tools.base import CURRENCY_FIELD
from apps.suggestions.models import Suggestion
from apps.suggestions.services.updating import changed_names
from apps.tenants.connections import tenant_connection
from apps.users.models import User

Arguments = Mapping[str, JsonValue]
_NEW_EDITIONS = (Event.SUGGESTION_EDITED, Event.SUGGESTION_REBASED, Event.SUGGESTION_REFRESHED)


@dataclass(frozen=True, slots=True)
class Started:
    """What a form began with: ``shown`` stood in its fields, ``stood`` in the suggestion."""

    shown: Arguments
    stood: Arguments

    @classmethod
    def from_suggestion(cls, suggestion: Suggestion) -> Started:
        """A form that is opened now."""
        return cls(suggestion.arguments, suggestion.arguments)

    @classmethod
    def read(cls, token: str, suggestion: Suggestion) -> Started:
        """What a posted form says it began with; one that is not ours begins with what stands there now."""
        try:
            shown, stood = signing.loads(token, salt=_salt_of(suggestion))
        except signing.BadSignature:
            return cls.from_suggestion(suggestion)
        return cls(shown, stood)

    def token(self, suggestion: Suggestion) -> str:
        """As the form carries it: signed, so that nobody asks by it for the names of other rows."""
        return signing.dumps([dict(self.shown), dict(self.stood)], salt=_salt_of(suggestion))


@dataclass(frozen=True, slots=True)
class OthersChange:
    """One field that somebody else changed meanwhile; ``mine`` is empty where the person left it alone."""

    name: str
    label: str
    before: str
    theirs: str
    mine: str


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What happened to the suggestion while its form was open, in a sentence and field by field."""

    sentence: str
    changes: tuple[OthersChange, ...]


@dataclass(frozen=True, slots=True)
class EditPage:
    """The form, what it carries, and what happened meanwhile (None when nothing did)."""

    form: ArgumentsForm
    token: str
    seen_at: str
    meanwhile: Meanwhile | None = None


def open_form(suggestion: Suggestion, viewer: User) -> EditPage:
    """The form of a suggestion as it stands."""
    form = ArgumentsForm(
        tool=tools.get(suggestion.tool), arguments=suggestion.arguments, viewer=viewer
    )
    token = Started.from_suggestion(suggestion).token(suggestion)
    return EditPage(form, token, suggestion.refreshed_at.isoformat())


def merge(suggestion: Suggestion, started: Started, typed: Arguments, viewer: User) -> EditPage:
    """Show the form again after somebody else has changed the suggestion.

    In the fields stands what the person typed and, where they had left them alone, what the other one wrote.
    """
    tool = tools.get(suggestion.tool)
    kind = tool.written_kind(RecordKind(suggestion.record_kind))
    theirs: Arguments = suggestion.arguments
    mine = changed_names(started.stood, typed)
    stood, now, ours = flat(started.stood), flat(theirs), flat(typed)
    both = nested({**now, **{name: ours[name] for name in mine if name in ours}})
    form = ArgumentsForm(tool=tool, arguments=both, viewer=viewer)
    changes = tuple(
        _change_of(tool, kind, name, viewer, stood, now, ours if name in mine else {})
        for name in changed_names(stood, now)
    )
    who = _who_changed(suggestion)
    for change in changes:
        if change.name in form.fields:
            form.fields[change.name].help_text = f"Changed meanwhile by {who[0]}: {change.theirs}"
    return EditPage(
        form,
        Started(both, theirs).token(suggestion),
        suggestion.refreshed_at.isoformat(),
        Meanwhile(_sentence(*who), changes),
    )


def _change_of(
    tool: Tool[Any],
    kind: RecordKind,
    name: str,
    viewer: User,
    before: Arguments,
    theirs: Arguments,
    mine: Arguments,
) -> OthersChange:
    def words(arguments: Arguments) -> str:
        value = arguments.get(name)
        if column_of(name) in tool.writes[kind]:
            currency = str(arguments.get(CURRENCY_FIELD) or "")
            return text_of(kind, name, value, viewer=viewer, currency=currency)
        return NOTHING if value in (None, "") else str(value)

    labels = {argument.name: argument.label for argument in arguments_of(tool)}
    return OthersChange(
        name=name,
        label=label_of(kind, name) if custom_key(name) else labels.get(name, name),
        before=words(before),
        theirs=words(theirs),
        mine=words(mine) if name in mine else "",
    )


def _who_changed(suggestion: Suggestion) -> tuple[str, Event | None, datetime | None]:
    """Who made the edition that stands there, how, and when."""
    entries = AuditEntry.objects.of_suggestion(suggestion.pk).filter(event__in=_NEW_EDITIONS)
    last = entries.last()
    if last is None:
        return "somebody else", None, None
    who = last.actor_name if last.actor_id else "a scan"
    return who, Event(last.event), last.occurred_at


def _sentence(who: str, event: Event | None, at: datetime | None) -> str:
    did = (
        "edited this suggestion" if event == Event.SUGGESTION_EDITED else "brought this up to date"
    )
    when = (
        f" on {formats.date_format(timezone.localtime(at), 'j M')} at"
        f" {formats.date_format(timezone.localtime(at), 'H:i')}"
        if at
        else ""
    )
    return f"{who[:1].upper()}{who[1:]} {did}{when}, while you had it open."


def _salt_of(suggestion: Suggestion) -> str:
    return f"edit:{tenant_connection().schema_name}:{suggestion.pk}"
