"""Fields of the API that look at who is asking, and the typed custom fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.crm.custom_values import check_custom_value
from apps.crm.enums import RecordKind
from apps.crm.models import CustomField, MergeableRecord
from apps.crm.services import all_records, find_merged
from apps.users.models import User
from apps.users.rules import assignable_people


class VisibleRecordField(serializers.PrimaryKeyRelatedField[Any]):
    """The id of another record; one that the person may not see does not exist for them.

    What stands there already may stay, seen or not: a client sends whole records back. The id of a merged
    record leads to the one that survives it; where that is of another kind, only who sees it is told.
    """

    default_error_messages = {"merged": "This {kind} was merged into the {other} {pk}: name that."}
    queryset: Any

    def get_queryset(self) -> models.QuerySet[Any]:
        """What the person may see, and what stands there."""
        user: User = self.context["request"].user
        every = all_records(self.queryset.model)
        return every.visible_to(user) | every.filter(pk=self.held_id)

    def to_internal_value(self, data: Any) -> Any:
        """Find the record, or where it lives on."""
        found = super().to_internal_value(data)
        survivor = found.survivor if isinstance(found, MergeableRecord) else found
        if type(survivor) is not type(found):
            if find_merged(self.context["request"].user, type(found), found.pk) is None:
                self.fail("does_not_exist", pk_value=data)
            self.fail("merged", kind=found.kind, other=survivor.kind, pk=survivor.pk)
        return survivor

    @property
    def held_id(self) -> int | None:
        """The id that the record holds now, if there is a record."""
        serializer: Any = self.parent
        held: int | None = getattr(serializer.instance, f"{self.source}_id", None)
        return held


class OwnerField(VisibleRecordField):
    """The id of a person to whom this person may give records."""

    def get_queryset(self) -> models.QuerySet[User]:
        """Who may be given records, and who owns it now."""
        user: User = self.context["request"].user
        return User.objects.filter(assignable_people(user) | models.Q(pk=self.held_id))


@extend_schema_field(OpenApiTypes.OBJECT)
class AttributesField(serializers.Field[dict[str, Any], Any, dict[str, Any], Any]):
    """The custom fields of a record, by key. A write names those to change; null empties one.

    What the tenant has not defined is refused, and each value must be of its field's type.
    """

    default_error_messages = {"not_an_object": "An object of custom fields by key."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Check each value against its definition; None among them empties a field."""
        if not isinstance(data, Mapping):
            self.fail("not_an_object")
        serializer: Any = self.parent
        kind: RecordKind = serializer.Meta.model.kind
        definitions = {
            field.key: field
            for field in CustomField.objects.filter(record_kind=kind, is_active=True)
        }
        problems: dict[str, list[str]] = {}
        checked: dict[str, Any] = {}
        for key, value in data.items():
            definition = definitions.get(key)
            if definition is None:
                problems[str(key)] = ["There is no such custom field."]
                continue
            try:
                checked[key] = check_custom_value(definition, value)
            except ValueError as error:
                problems[key] = [str(error)]
        if problems:
            raise serializers.ValidationError(problems)
        return checked

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        """As stored."""
        return value
