"""A person's own conversations in the API. Nobody else's are ever found, whatever the role."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.assistant.answering import respond
from apps.assistant.enums import Intent, MessageState, Speaker
from apps.assistant.models import Conversation, Message
from apps.assistant.presentation import ShownMessage, shown
from apps.assistant.threads import (
    LONGEST_TEXT,
    conversations_of,
    delete_conversation,
    find_conversation,
    open_conversation,
    require_talker,
)
from apps.audit.enums import Origin
from apps.brain.enums import Provider
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef, key_pattern
from apps.tenants.api import (
    ApiModelSerializer,
    StrictSerializer,
    UtcDateTimeField,
    refuse_parameters,
)
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of

_RECORD = key_pattern(RecordKind)
_CONVERSATION_ID = "conversation_id"


class ConversationSerializer(ApiModelSerializer[Conversation]):
    """A conversation of yours."""

    record = serializers.SerializerMethodField(
        help_text="The record that it is about, such as `lead:7`; null where there is none."
    )

    class Meta:
        model = Conversation
        fields = ("id", "title", "record", "began_at", "last_said_at")
        read_only_fields = fields

    def get_record(self, row: Conversation) -> str | None:
        """The record by kind and id."""
        return None if row.record_id is None else f"{row.record_kind}:{row.record_id}"


class BeginSerializer(StrictSerializer):
    """About which record it begins."""

    record = serializers.RegexField(
        _RECORD, required=False, help_text="A record that you may see, such as `lead:7`."
    )


class SentenceSerializer(serializers.Serializer[Any]):
    """A sentence, and the facts that it rests on."""

    text = serializers.CharField()
    facts = serializers.ListField(child=serializers.IntegerField(), help_text="By number.")


class CitedFactSerializer(serializers.Serializer[Any]):
    """A fact of an answer."""

    number = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    text = serializers.CharField()
    address = serializers.CharField(help_text="The record's page; empty where there is none.")


class MessageSerializer(serializers.Serializer[Any]):
    """What one side said. What an answer rests on is told as far as you may see it now."""

    id = serializers.IntegerField(source="pk")
    speaker = serializers.ChoiceField(Speaker.choices, source="message.speaker")
    origin = serializers.ChoiceField(Origin.choices, source="message.origin")
    state = serializers.ChoiceField(MessageState.choices, source="message.state")
    intent = serializers.ChoiceField(Intent.choices, source="message.intent", allow_blank=True)
    sentences = SentenceSerializer(many=True)
    facts = CitedFactSerializer(many=True)
    suggestions = serializers.SerializerMethodField(help_text="Ids, to be reviewed like any other.")
    leads_to = serializers.CharField(
        source="message.leads_to",
        help_text="A page of AiSHA; empty where the answer leads to none.",
    )
    provider = serializers.ChoiceField(
        Provider.choices, source="message.provider", allow_blank=True
    )
    error_code = serializers.CharField(source="message.error_code")
    said_at = UtcDateTimeField()

    def get_suggestions(self, row: ShownMessage) -> list[int]:
        """The suggestions that it holds."""
        return [one.pk for one in row.suggestions]


class SaySerializer(StrictSerializer):
    """What to say."""

    text = serializers.CharField(max_length=LONGEST_TEXT)
    record = serializers.RegexField(
        _RECORD, required=False, help_text="The record that “this” stands for, such as `lead:7`."
    )


class TalkPermission(BasePermission):
    """The assistant is on for the company, and the person's role includes it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask both; a refusal says which.

        Raises:
            ModuleOffError, TalkPermissionError: it is not so.
        """
        require_talker(person_of(request))
        return True


class ConversationViewSet(
    Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[Conversation]
):
    """Your conversations with AiSHA."""

    write_scope = Scope.TALK
    permission_classes = (IsAuthenticated, TalkPermission)
    serializer_class = ConversationSerializer
    filterset_class = None
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields: ClassVar = ("last_said_at", "id")
    default_ordering = "-last_said_at"

    def get_queryset(self) -> QuerySet[Conversation]:
        """The person's own."""
        if getattr(self, "swagger_fake_view", False):
            return Conversation.objects.none()
        return conversations_of(person_of(self.request))

    @extend_schema(request=BeginSerializer, responses={201: ConversationSerializer})
    def create(self, request: Request) -> Response:
        """Begin a conversation, perhaps about a record; nothing is said in it yet."""
        refuse_parameters(request)
        asked = BeginSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = open_conversation(person_of(request), _record_in(asked), timezone.now())
        return Response(ConversationSerializer(made).data, status=201)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a conversation with all that was said; what it proposed stays."""
        refuse_parameters(request)
        delete_conversation(person_of(request), int(pk))
        return Response(status=204)


@extend_schema(
    parameters=[OpenApiParameter(_CONVERSATION_ID, int, OpenApiParameter.PATH)],
)
class MessageViewSet(Endpoint, ListModelMixin, GenericViewSet[Message]):
    """What was said in a conversation of yours."""

    write_scope = Scope.TALK
    permission_classes = (IsAuthenticated, TalkPermission)
    serializer_class = MessageSerializer
    filterset_class = None
    # A model may be waited for.
    takes_keys = False
    ordering_fields: ClassVar = ("id",)
    default_ordering = "id"

    def get_queryset(self) -> QuerySet[Message]:
        """Those of the conversation.

        Raises:
            ConversationNotFoundError: there is no such conversation of this person's.
        """
        if getattr(self, "swagger_fake_view", False):
            return Message.objects.none()
        return self._conversation().messages.prefetch_related("suggestions")

    def get_serializer(self, rows: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Show messages as far as the person may see what they rest on."""
        if rows is None:
            return super().get_serializer(*args, **kwargs)
        return super().get_serializer(shown(rows, person_of(self.request)), *args, **kwargs)

    @extend_schema(request=SaySerializer, responses={201: MessageSerializer})
    def create(self, request: Request, conversation_id: str) -> Response:
        """Say something, and wait for the whole answer. It answers and proposes, and does nothing else."""
        refuse_parameters(request)
        user, conversation = person_of(request), self._conversation()
        asked = SaySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        text, record = asked.validated_data["text"], _record_in(asked)
        steps = respond(user, conversation, text, Origin.TYPED, timezone.now(), record=record)
        for _ in steps:
            # What is told on the way is for those who watch.
            pass
        answer = conversation.messages.filter(speaker=Speaker.ASSISTANT).latest("id")
        return Response(MessageSerializer(shown([answer], user)[0]).data, status=201)

    def _conversation(self) -> Conversation:
        return find_conversation(person_of(self.request), int(self.kwargs[_CONVERSATION_ID]))


def _record_in(asked: StrictSerializer) -> RecordRef | None:
    named = asked.validated_data.get("record")
    return RecordRef.parse(named) if named else None
