"""Admin pages of what a tenant defines for itself: custom fields and stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.crm.enums import FieldType
from apps.crm.models import CustomField, Stage
from apps.tenants.admin import AishaAdmin

LONGEST_CHOICE = 200


class ChoicesField(forms.CharField):
    """The texts of a choice field, one a line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(), required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        """Show a stored list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """Read the lines; empty and repeated ones are dropped."""
        texts = _lines_of(super().clean(value))
        if any(len(text) > LONGEST_CHOICE for text in texts):
            raise ValidationError(f"A choice has {LONGEST_CHOICE} characters at most.")
        return texts

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare lists, not spellings of lists."""
        return list(initial or []) != _lines_of(data)


class CustomFieldForm(forms.ModelForm):  # type: ignore[type-arg]
    """A custom field; a choice field needs its choices."""

    choices = ChoicesField(help_text="For a choice field: one choice a line.")

    class Meta:
        model = CustomField
        fields = ("record_kind", "key", "label", "field_type", "choices", "position", "is_active")

    def clean(self) -> dict[str, Any]:
        """Hold type and choices against each other."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        field_type = cleaned.get("field_type", self.instance.field_type)
        if field_type == FieldType.CHOICE and not cleaned.get("choices"):
            self.add_error("choices", "A choice field needs at least one choice.")
        return cleaned


class CustomFieldAdmin(AishaAdmin):
    """Fields that the tenant has added to its records."""

    form = CustomFieldForm
    list_display = ("label", "record_kind", "key", "field_type", "position", "is_active")
    list_filter = ("record_kind", "field_type", "is_active")
    search_fields = ("label", "key")

    def get_readonly_fields(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> tuple[str, ...]:
        """Values are stored under the key: it stays, and so does what kind of value it holds."""
        return () if obj is None else ("record_kind", "key", "field_type")

    def details_of(self, obj: models.Model) -> Mapping[str, Any]:
        """Which field it is."""
        assert isinstance(obj, CustomField)  # noqa: S101 - narrows the type
        return {"record_kind": obj.record_kind, "key": obj.key}


class StageAdmin(AishaAdmin):
    """The steps of the pipeline. None is deleted: deals stand in them."""

    list_display = ("label", "key", "position", "outcome")
    list_filter = ("outcome",)
    search_fields = ("label", "key")
    fields = ("label", "key", "position", "outcome")

    def get_readonly_fields(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> tuple[str, ...]:
        """Imports know a stage by its key, and deals have taken over its outcome."""
        return () if obj is None else ("key", "outcome")

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody."""
        return False

    def details_of(self, obj: models.Model) -> Mapping[str, Any]:
        """Which stage it is."""
        assert isinstance(obj, Stage)  # noqa: S101 - narrows the type
        return {"key": obj.key}


def _lines_of(text: object) -> list[str]:
    """The lines of a text, without empty and repeated ones."""
    lines = (line.strip() for line in str(text or "").splitlines())
    return list(dict.fromkeys(line for line in lines if line))
