"""What suggestions look like in the answers of the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from apps.audit.enums import Event, Origin
from apps.crm.enums import RecordKind
from apps.duplicates.api import ProbeAnswerSerializer
from apps.execution.enums import ValueChoice, ValueKind
from apps.suggestions.detail import Detail
from apps.suggestions.models import Suggestion
from apps.tenants.api import ApiModelSerializer, UtcDateTimeField


class SuggestionSerializer(ApiModelSerializer[Suggestion]):
    """A suggestion as the list shows it."""

    class Meta:
        model = Suggestion
        fields: tuple[str, ...] = (
            "id", "state", "title", "reason", "goal", "record_kind", "record_id", "record_label",
            "assignee", "tool", "risk", "value_at_stake", "currency", "urgency", "confidence",
            "confidence_n", "rank", "held_back", "is_on_trial", "origin", "provider", "created_at",
            "refreshed_at", "queued_at", "expires_at", "snoozed_until",
            "snoozed_until_change_since", "reviewed_at",
            "reviewed_by", "applied_at", "closed_because",
        )  # fmt: skip
        read_only_fields = fields


class FactSerializer(serializers.Serializer[Any]):
    """A numbered fact that the evidence cites."""

    number = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    text = serializers.CharField()
    occurred_at = UtcDateTimeField(allow_null=True)


class ClaimSerializer(serializers.Serializer[Any]):
    """One sentence of the evidence with its facts."""

    text = serializers.CharField()
    facts = FactSerializer(many=True)


class ChangeSinceSerializer(serializers.Serializer[Any]):
    """One value that has changed since the suggestion was made."""

    label = serializers.CharField()  # type: ignore[assignment]
    seen = serializers.CharField(source="seen_text")
    now = serializers.CharField(source="now_text")
    changed_by = serializers.CharField()
    changed_at = UtcDateTimeField(allow_null=True)


class SegmentSerializer(serializers.Serializer[Any]):
    """A run of words of a long text that stays, goes or comes."""

    op = serializers.ChoiceField(["equal", "delete", "insert"])
    text = serializers.CharField()


class FieldDiffSerializer(serializers.Serializer[Any]):
    """One field before and after."""

    field = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(ValueKind.choices)
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    before_text = serializers.CharField()
    after_text = serializers.CharField()
    origin = serializers.CharField(help_text="`proposed`, `edited` or `left out`.")
    edited_by = serializers.CharField(help_text="Who edited this field or left it out.")
    segments = SegmentSerializer(many=True, help_text="Long texts alone: word by word.")


class ComparedRecordSerializer(serializers.Serializer[Any]):
    """One of the two records of a merge."""

    record = serializers.CharField(help_text="As `lead:12`.")
    label = serializers.CharField()  # type: ignore[assignment]


class ValueOptionSerializer(serializers.Serializer[Any]):
    """One value that a field may have after a merge."""

    choice = serializers.ChoiceField(ValueChoice.choices)
    values = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        help_text="By argument; an amount's with its currency. The survivor's are left out of an edit.",
    )
    text = serializers.CharField()
    is_chosen = serializers.BooleanField()
    is_offered = serializers.BooleanField(help_text="Whether it may be chosen.")


class ComparedFieldSerializer(serializers.Serializer[Any]):
    """One field in which the two records of a merge differ."""

    field = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(ValueKind.choices)
    options = ValueOptionSerializer(many=True)


# Built by calls, because a class cannot have a member named ``fields``.
COMPARISON = inline_serializer(
    "Comparison",
    {
        "survivor": ComparedRecordSerializer(),
        "duplicate": ComparedRecordSerializer(),
        "is_swappable": serializers.BooleanField(
            help_text="Whether the other record may be kept: an edit with both records exchanged."
        ),
        "fields": ComparedFieldSerializer(many=True),
        "moved": serializers.ListField(
            child=serializers.CharField(), help_text="What moves to the survivor, in words."
        ),
    },
    allow_null=True,
    help_text="Of a merge: both records side by side.",
)
DIFF = inline_serializer(
    "Diff",
    {
        "tool": serializers.CharField(),
        "tool_label": serializers.CharField(),
        "record_kind": serializers.ChoiceField(RecordKind.choices),
        "record_label": serializers.CharField(),
        "is_creation": serializers.BooleanField(),
        "fields": FieldDiffSerializer(many=True),
        "left_out": FieldDiffSerializer(
            many=True, help_text="What was proposed and a person left out."
        ),
        "edited_by": serializers.CharField(
            help_text="Who edited it last; empty unless a person did. Each field says by whom."
        ),
        "side_effects": serializers.ListField(child=serializers.CharField()),
        "comparison": COMPARISON,
    },
    allow_null=True,
)


class SuggestionDetailSerializer(SuggestionSerializer):
    """A suggestion with what it would change, why, and whether it can be decided."""

    diff = serializers.SerializerMethodField(
        help_text="Null when the change can no longer be made."
    )
    look_alikes = serializers.SerializerMethodField(
        help_text="Records like the one that would be made: a warning, which keeps nobody from approving."
    )
    evidence = serializers.SerializerMethodField()
    notice = serializers.SerializerMethodField(
        help_text="Not empty where a text of the record reads like instructions to an AI."
    )
    triggers = serializers.SerializerMethodField()
    changes_since = serializers.SerializerMethodField(
        help_text="What has changed in the record since: an approval would be refused as stale."
    )
    can_decide = serializers.SerializerMethodField()
    refusal = serializers.SerializerMethodField(help_text="Why you cannot decide on it.")
    takes_parts = serializers.SerializerMethodField(
        help_text="Whether single fields may be approved (`fields_accepted`)."
    )
    undoable_until = serializers.SerializerMethodField(
        help_text="Until when it can be undone; null when it cannot."
    )
    execution = serializers.IntegerField(
        source="execution_id", read_only=True, allow_null=True, help_text="What it became."
    )

    class Meta(SuggestionSerializer.Meta):
        fields = (
            *SuggestionSerializer.Meta.fields, "arguments", "proposed_arguments", "edited_by",
            "edited_at", "diff", "look_alikes", "evidence", "notice", "triggers", "changes_since",
            "can_decide", "refusal", "takes_parts", "undoable_until", "execution",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: Suggestion) -> dict[str, Any]:
        """As declared; of one that is concealed nothing that it would write."""
        body: dict[str, Any] = super().to_representation(instance)
        if instance.is_concealed:
            body |= {"arguments": {}, "proposed_arguments": None}
        return body

    @property
    def shown(self) -> Detail:
        """What the page shows of it, put together once."""
        detail: Detail = self.context["detail"]
        return detail

    @extend_schema_field(DIFF)
    def get_diff(self, suggestion: Suggestion) -> dict[str, Any] | None:
        """Before and after, field by field."""
        return self.shown.diff.as_json() if self.shown.diff else None

    @extend_schema_field(ProbeAnswerSerializer)
    def get_look_alikes(self, suggestion: Suggestion) -> Any:
        """The records like the one that would be made; no match where nothing is made."""
        return ProbeAnswerSerializer(self.shown.look_alikes).data

    @extend_schema_field(ClaimSerializer(many=True))
    def get_evidence(self, suggestion: Suggestion) -> Any:
        """The claims and the facts that they cite."""
        return ClaimSerializer(self.shown.evidence, many=True).data

    def get_notice(self, suggestion: Suggestion) -> str:
        """Empty as a rule."""
        return self.shown.notice

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_triggers(self, suggestion: Suggestion) -> list[str]:
        """The labels of the triggers behind it."""
        return list(self.shown.trigger_labels)

    @extend_schema_field(ChangeSinceSerializer(many=True))
    def get_changes_since(self, suggestion: Suggestion) -> Any:
        """Empty as long as the record stands as it was seen."""
        changes = self.shown.stale.changes if self.shown.stale else ()
        return ChangeSinceSerializer(changes, many=True).data

    def get_can_decide(self, suggestion: Suggestion) -> bool:
        """Whether this person may decide on it."""
        return self.shown.can_decide

    def get_refusal(self, suggestion: Suggestion) -> str:
        """Empty when they may."""
        return self.shown.refusal

    def get_takes_parts(self, suggestion: Suggestion) -> bool:
        """Whether fields stand for themselves."""
        return self.shown.takes_parts

    @extend_schema_field(UtcDateTimeField(allow_null=True))
    def get_undoable_until(self, suggestion: Suggestion) -> Any:
        """Null for what is not applied, too old, or cannot be taken back."""
        until = self.shown.undoable_until
        return UtcDateTimeField().to_representation(until) if until else None


class StoryChangeSerializer(serializers.Serializer[Any]):
    """One value that was written."""

    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.CharField()
    after = serializers.CharField()


class StoryItemSerializer(serializers.Serializer[Any]):
    """One thing that happened."""

    occurred_at = UtcDateTimeField()
    event = serializers.ChoiceField(Event.choices)
    wording = serializers.CharField()
    who = serializers.CharField()
    origin = serializers.ChoiceField(Origin.choices)
    request_id = serializers.CharField()
    notes = serializers.ListField(child=serializers.CharField())
    changes = StoryChangeSerializer(many=True)
