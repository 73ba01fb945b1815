"""What a decision in the API says, in the body of its request."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef, key_pattern
from apps.suggestions.enums import RejectReason, StopScope
from apps.suggestions.services import STOP_DAYS, Stop
from apps.tenants.api import StrictSerializer, UtcDateTimeField


class ApproveSerializer(StrictSerializer):
    """What was looked at."""

    seen_at = UtcDateTimeField(
        required=False,
        help_text="The `refreshed_at` that you read: a suggestion refreshed since is not approved."
        " Needed unless `If-Match` names it.",
    )
    fields_accepted = serializers.ListField(
        child=serializers.CharField(max_length=60),
        required=False,
        allow_null=True,
        default=None,
        help_text="The fields that you accept, where the tool allows parts; all of them by default.",
    )


class EditSerializer(StrictSerializer):
    """What the change is to be instead."""

    seen_at = UtcDateTimeField(
        required=False,
        help_text="The `refreshed_at` that you read. Needed unless `If-Match` names it.",
    )
    arguments = serializers.JSONField(
        help_text="All arguments of the tool, as its schema says; the record stays the same."
    )

    def validate_arguments(self, value: Any) -> dict[str, Any]:
        """An object; what is in it the tool's schema says."""
        if not isinstance(value, dict):
            raise serializers.ValidationError("Give an object.")
        return value


_RECORD = key_pattern((RecordKind.LEAD, RecordKind.CONTACT, RecordKind.ACCOUNT))


class MergeSerializer(StrictSerializer):
    """Two records of the same person or company, as `kind:id`."""

    keep = serializers.RegexField(_RECORD, help_text="The record that stays, such as `contact:12`.")
    merge = serializers.RegexField(
        _RECORD,
        help_text="The one to be merged into it: of the same kind, or a lead into a contact.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, RecordRef]:
        """As the service takes them."""
        return {name: RecordRef.parse(key) for name, key in attrs.items()}


class StopSerializer(StrictSerializer):
    """What is not to be suggested any more."""

    scope = serializers.ChoiceField(StopScope.choices)
    days = serializers.IntegerField(min_value=1, max_value=max(STOP_DAYS))

    def validate(self, attrs: dict[str, Any]) -> Any:
        """As the service takes it."""
        return Stop(StopScope(attrs["scope"]), attrs["days"])


class RejectSerializer(StrictSerializer):
    """Why not."""

    reason = serializers.ChoiceField(RejectReason.choices)
    note = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")
    stop = StopSerializer(
        required=False,
        allow_null=True,
        default=None,
        help_text="Silence more than this suggestion, and withdraw what waits of it; more than the record is"
        " for managers.",
    )


class SnoozeSerializer(StrictSerializer):
    """Until when."""

    until = UtcDateTimeField(
        required=False,
        default=None,
        help_text="At most 90 days ahead; needed unless a change wakes it.",
    )
    wakes_on_change = serializers.BooleanField(
        default=False,
        help_text="Bring it back, too, when its record changes or somebody is in touch.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something has to bring it back."""
        if attrs["until"] is None and not attrs["wakes_on_change"]:
            missing = self.fields["until"].error_messages["required"]
            raise serializers.ValidationError({"until": missing})
        return attrs


class ReassignSerializer(StrictSerializer):
    """To whom."""

    assignee = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        allow_null=True,
        help_text="A person's id; null gives it to whoever takes it.",
    )


class UndoSerializer(StrictSerializer):
    """What is known to have been made of a new record since."""

    despite = serializers.ListField(
        child=serializers.CharField(max_length=60),
        max_length=100,
        required=False,
        default=list,
        help_text="What the 409 `later_work` named: a new record that was worked on since is left alone"
        " unless you name all of it.",
    )
