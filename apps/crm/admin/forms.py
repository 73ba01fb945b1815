"""The records' own forms, dressed for the admin: parsing, checks and custom fields are the same."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.template.loader import render_to_string
from unfold import widgets

from apps.crm.forms.records import FORMS, RecordForm
from apps.crm.history import changes_since
from apps.crm.look_alikes import look_alikes
from apps.crm.models import Record
from apps.crm.presentation import describe_time
from apps.users.models import User

_TEXT = " ".join(widgets.INPUT_CLASSES)
_SELECT = " ".join(widgets.SELECT_CLASSES)
_LONG_TEXT = " ".join(widgets.TEXTAREA_CLASSES)
_CHECKBOX = " ".join(widgets.CHECKBOX_CLASSES)


class AdminRecordForm(RecordForm):
    """Takes what Django's admin passes, and says what changed while the form was open.

    ``form_for`` puts it before a kind's own form and sets the two class attributes.
    """

    used_by: ClassVar[User]
    tenant_currency: ClassVar[str]

    def __init__(self, data: Any = None, files: Any = None, **options: Any) -> None:
        instance = options.pop("instance", None) or self._meta.model()
        super().__init__(
            data,
            viewer=self.used_by,
            instance=instance,
            currency=self.tenant_currency,
            **options,
        )
        for field in self.fields.values():
            _dress(field)

    def clean(self) -> dict[str, Any]:
        """Check as the kind's own form does, and compare the revision that was read.

        Of a new record it is told once what it looks like; whoever insists creates it anyway.
        """
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk:
            self._compare_revision()
        elif not self.errors and "create_anyway" not in self.data:
            self._warn_of_look_alikes()
        return cleaned

    def _warn_of_look_alikes(self) -> None:
        kind = self._meta.model.kind
        found = look_alikes(self.used_by, kind, self.read_values().fields)
        if found.is_any:
            words = render_to_string("admin/crm/_look_alikes.html", {"look_alikes": found})
            self.add_error(None, ValidationError(words, code="look_alikes"))

    def _compare_revision(self) -> None:
        read = self.cleaned_data.get("revision")
        if read is None or read == self.instance.revision:
            return
        for change in changes_since(self.instance, read).values():
            if change.name in self.fields:
                when = describe_time(change.changed_at)
                self.add_error(change.name, f"{change.who} changed this on {when}.")
        self.add_error(
            None,
            "The record has changed since you opened it. Nothing was written; what you typed is "
            "kept. Look at the marked fields and save again.",
        )
        # The next attempt has seen these changes.
        data: QueryDict = self.data.copy()  # type: ignore[attr-defined]
        data[self.add_prefix("revision")] = str(self.instance.revision)
        self.data = data


def form_for(model: type[Record], viewer: User, currency: str) -> type[RecordForm]:
    """Return the form class of a kind of record as one person uses it in the admin."""
    attributes = {"used_by": viewer, "tenant_currency": currency}
    return type("AdminRecordForm", (AdminRecordForm, FORMS[model.kind]), attributes)


def _dress(field: forms.Field) -> None:
    """Give a plain widget the look of these pages."""
    widget = field.widget
    if isinstance(widget, forms.Select):
        widget.template_name = widgets.UnfoldAdminSelectWidget.template_name
    if isinstance(widget, forms.CheckboxInput):
        look = _CHECKBOX
    elif isinstance(widget, forms.Select):
        look = _SELECT
    elif isinstance(widget, forms.Textarea):
        look = _LONG_TEXT
    else:
        look = _TEXT
    widget.attrs["class"] = look
