"""Realtime voice in the API: a token for a call, the call itself, and the bridge to our tools."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from pydantic import ValidationError as PydanticError
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistant.enums import MessageState, Speaker
from apps.audit.enums import Origin
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef, key_pattern
from apps.realtime.bridge import LONGEST_ARGUMENTS, call_tool
from apps.realtime.config import RealtimeConfig, read_config
from apps.realtime.enums import EndReason, SessionState, TokenOutcome, ToolCallStatus
from apps.realtime.exceptions import ChannelRefusedError, TokenError
from apps.realtime.flooding import REST_MS
from apps.realtime.models import Session
from apps.realtime.passing import end_of, tell_panels
from apps.realtime.schemas import LONGEST_MESSAGE, read_batch
from apps.realtime.sessions import (
    WARNED_BEFORE,
    end_session,
    find_session,
    left_of,
)
from apps.realtime.spending import left_of_month
from apps.realtime.telemetry import take
from apps.realtime.tokens import (
    TALK_PERMISSION,
    Attempt,
    issue_token,
    settle_other,
    settle_refused,
)
from apps.realtime.transcripts import keep_transcript
from apps.tenants.api import (
    NestedJSONParser,
    StrictSerializer,
    UtcDateTimeField,
    refuse_parameters,
)
from apps.tenants.services import current_tenant
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.exceptions import CallsThrottledError
from apps.users.models import User
from apps.users.services import person_of

_LARGEST_ID = 2**63 - 1
_LONGEST_NAME = 100
_LONGEST_CALL_MS = 24 * 3_600_000


class TalkPermission(BasePermission):
    """For people whose role has realtime voice, as it is at this moment."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask the role."""
        return bool(request.user.has_perm(TALK_PERMISSION))


class TokenRequestSerializer(StrictSerializer):
    """What the call is to be about, and which call it goes on with; all of it may be left out."""

    conversation_id = serializers.IntegerField(required=False, min_value=1, max_value=_LARGEST_ID)
    record = serializers.RegexField(
        key_pattern(RecordKind),
        required=False,
        help_text="The record whose page is open, such as `lead:7`.",
    )
    session_id = serializers.UUIDField(
        required=False,
        help_text="A call of yours whose connection was lost within the last minute.",
    )


class TokenSerializer(serializers.Serializer[Any]):
    """What lets a browser into one call, for two minutes."""

    value = serializers.CharField()
    expires_at = UtcDateTimeField()
    session_id = serializers.UUIDField()
    model = serializers.CharField()
    voice = serializers.CharField()


class RealtimeTokenView(Endpoint):
    """A token for a call with the voice provider."""

    write_scope = Scope.TALK
    keeps_answers = False
    # A provider is waited for.
    takes_keys = False
    http_method_names = ("post",)

    @extend_schema(request=TokenRequestSerializer, responses={201: TokenSerializer})
    def post(self, request: Request) -> Response:
        """Configure a call on the server, and give out the secret that begins it.

        The tenant is that of the host. Refusals have a stable code: `module_off`, `permission_denied`,
        `no_key`, `throttled`, `cost_limit`, `provider_auth`, `provider_quota`, `provider_slow`,
        `provider_down`, `provider_invalid`.
        """
        attempt = self._attempt
        user = person_of(request)
        attempt.person = user
        refuse_parameters(request)
        serializer = TokenRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        record = RecordRef.parse(wanted["record"]) if "record" in wanted else None
        issued = issue_token(
            attempt,
            user,
            request.tenant,  # type: ignore[attr-defined]
            conversation_id=wanted.get("conversation_id"),
            record=record,
            resumed=wanted.get("session_id"),
            now=attempt.asked_at,
        )
        answer = TokenSerializer(
            {
                "value": issued.value,
                "expires_at": issued.expires_at,
                "session_id": issued.session.pk,
                "model": issued.session.model,
                "voice": issued.session.voice,
            }
        )
        return Response(answer.data, status=201, headers={"Cache-Control": "no-store"})

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        """Begin to count the time."""
        self._attempt = Attempt(None, timezone.now())
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in who may. What is no POST is that to everybody, signed in or not.

        Raises:
            MethodNotAllowed: it is no POST.
        """
        if (request.method or "").lower() not in self.http_method_names:
            # Who asks is for the record alone.
            with suppress(APIException):
                self.perform_authentication(request)
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """Put a refusal on record, whoever refuses."""
        answer = super().handle_exception(exc)
        user = getattr(self.request, "_user", None)
        if isinstance(user, User):
            self._attempt.person = user
        if isinstance(exc, TokenError):
            settle_refused(self._attempt, exc)
        elif isinstance(exc, CallsThrottledError):
            settle_other(self._attempt, TokenOutcome.THROTTLED, answer.status_code)
        elif isinstance(exc, NotAuthenticated):
            settle_other(self._attempt, TokenOutcome.NOT_AUTHENTICATED, answer.status_code)
        else:
            settle_other(self._attempt, TokenOutcome.INVALID, answer.status_code)
        return answer


class SessionSerializer(serializers.ModelSerializer[Session]):
    """A call: how it stands, and what its page has to know."""

    conversation_title = serializers.CharField(
        source="conversation.title", default="", help_text="Its first words; empty before any."
    )
    calls_url = serializers.SerializerMethodField(help_text="Where the offer (SDP) is brought.")
    keeps_texts = serializers.SerializerMethodField(
        help_text="Whether what was said may leave the browser with the telemetry."
    )
    left_s = serializers.SerializerMethodField(help_text="Seconds until its longest length.")
    idle_s = serializers.SerializerMethodField(help_text="Seconds of silence that end it.")
    warned_before_s = serializers.SerializerMethodField(
        help_text="How long before an end the person is warned."
    )
    left_usd = serializers.SerializerMethodField(help_text="US dollars until its limit.")
    left_usd_of_month = serializers.SerializerMethodField(
        help_text="US dollars until the company's limit of this month, which ends calls, too."
    )

    class Meta:
        model = Session
        fields = (
            "id",
            "state",
            "model",
            "voice",
            "is_stand_in",
            "conversation",
            "conversation_title",
            "calls_url",
            "keeps_texts",
            "left_s",
            "idle_s",
            "warned_before_s",
            "left_usd",
            "left_usd_of_month",
            "cost_usd",
        )

    def get_calls_url(self, _session: Session) -> str:
        """The provider's address."""
        return self._config.calls_url

    def get_keeps_texts(self, _session: Session) -> bool:
        """As the tenant has it."""
        return self._config.keeps_texts

    def get_left_s(self, session: Session) -> int:
        """Never less than none."""
        return max(0, left_of(session, self._config, timezone.now()).seconds)

    def get_idle_s(self, _session: Session) -> int:
        """As the tenant has it."""
        return int(self._config.limits.idle.total_seconds())

    def get_warned_before_s(self, _session: Session) -> int:
        """The same for all limits of time."""
        return int(WARNED_BEFORE.total_seconds())

    def get_left_usd(self, session: Session) -> str:
        """Never less than none."""
        return str(max(0, left_of(session, self._config, timezone.now()).usd))

    def get_left_usd_of_month(self, _session: Session) -> str:
        """Never less than none."""
        return str(max(0, left_of_month(self._config, current_tenant(), timezone.now())))

    @cached_property
    def _config(self) -> RealtimeConfig:
        return read_config()


class RealtimeSessionView(Endpoint):
    """A call of one's own."""

    permission_classes = (IsAuthenticated, TalkPermission)
    write_scope = Scope.TALK
    http_method_names = ("get", "delete")

    @extend_schema(responses=SessionSerializer)
    def get(self, request: Request, session_id: Any) -> Response:
        """How it stands, and what is left of its limits."""
        refuse_parameters(request)
        session = find_session(person_of(request), session_id)
        return Response(SessionSerializer(session).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, session_id: Any) -> Response:
        """Hang up; a call that is over stays as it is."""
        refuse_parameters(request)
        session = find_session(person_of(request), session_id)
        if session.state != SessionState.ENDED:
            end_session(session, EndReason.HUNG_UP, timezone.now())
        return Response(status=204)


class ToolCallSerializer(StrictSerializer):
    """A function that the provider's model calls."""

    session_id = serializers.UUIDField()
    call_id = serializers.CharField(max_length=_LONGEST_NAME)
    # A model writes both, and may write anything. What is too long the bridge refuses, on record, so neither
    # has a bound here but that of the request.
    name = serializers.CharField(
        allow_blank=True,
        trim_whitespace=False,
        help_text="As the provider sent it. What is no function of ours is refused: `unknown_tool`.",
    )
    arguments = serializers.CharField(
        allow_blank=True,
        trim_whitespace=False,
        help_text=(
            f"JSON, as the provider sent it. More than {LONGEST_ARGUMENTS:,} characters are refused:"
            " `invalid_arguments`."
        ),
    )


class ToolAnswerSerializer(serializers.Serializer[Any]):
    """What goes back to the provider as the function's output."""

    call_id = serializers.CharField()
    status = serializers.ChoiceField(ToolCallStatus.choices)
    code = serializers.CharField(help_text="Why it was refused; empty otherwise.")
    output = serializers.DictField()
    suggestion_id = serializers.IntegerField(allow_null=True)


class RealtimeToolView(Endpoint):
    """The bridge: reads and proposes for the person who talks, and does nothing else."""

    permission_classes = (IsAuthenticated, TalkPermission)
    write_scope = Scope.TALK
    # The same call told twice has one answer by its own id.
    takes_keys = False
    http_method_names = ("post",)

    @extend_schema(request=ToolCallSerializer, responses=ToolAnswerSerializer)
    def post(self, request: Request) -> Response:
        """Answer a call of a function; refused ones are answered with `status` `refused`."""
        refuse_parameters(request)
        serializer = ToolCallSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        told = serializer.validated_data
        answered = call_tool(
            person_of(request),
            told["session_id"],
            told["call_id"],
            told["name"],
            told["arguments"],
            now=timezone.now(),
        )
        return Response(
            ToolAnswerSerializer(
                {
                    "call_id": answered.call_id,
                    "status": answered.status,
                    "code": answered.code,
                    "output": answered.output,
                    "suggestion_id": answered.suggestion_id,
                }
            ).data
        )


class TranscriptSerializer(StrictSerializer):
    """What one side said in a call, as the provider wrote it down."""

    session_id = serializers.UUIDField()
    item = serializers.CharField(max_length=_LONGEST_NAME)
    speaker = serializers.ChoiceField(Speaker.choices)
    text = serializers.CharField(max_length=20_000, allow_blank=True)
    state = serializers.ChoiceField(
        [MessageState.WHOLE, MessageState.CUT_SHORT], default=MessageState.WHOLE
    )
    is_typed = serializers.BooleanField(
        default=False, help_text="Whether it was typed into the call, not spoken."
    )
    at_ms = serializers.FloatField(
        required=False,
        min_value=0,
        max_value=_LONGEST_CALL_MS,
        help_text="When it was begun to be said: milliseconds since the token was asked for.",
    )


class TranscriptKeptSerializer(serializers.Serializer[Any]):
    """Where it stands in the thread; nothing where no words were heard."""

    message_id = serializers.IntegerField(allow_null=True)


class RealtimeTranscriptView(Endpoint):
    """What is said in a call becomes part of the person's own thread."""

    permission_classes = (IsAuthenticated, TalkPermission)
    write_scope = Scope.TALK
    takes_keys = False
    http_method_names = ("post",)

    @extend_schema(request=TranscriptSerializer, responses=TranscriptKeptSerializer)
    def post(self, request: Request) -> Response:
        """Keep what was said; the same item, told again, is kept once."""
        refuse_parameters(request)
        serializer = TranscriptSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        told = serializer.validated_data
        message = keep_transcript(
            person_of(request),
            told["session_id"],
            item=told["item"],
            speaker=Speaker(told["speaker"]),
            text=told["text"],
            state=MessageState(told["state"]),
            origin=Origin.TYPED if told["is_typed"] else Origin.REALTIME,
            at_ms=told.get("at_ms"),
            now=timezone.now(),
        )
        return Response(
            TranscriptKeptSerializer({"message_id": message.pk if message else None}).data
        )


class PostedBatchSerializer(StrictSerializer):
    """A batch of a page that has no socket, or is closed."""

    csrfmiddlewaretoken = serializers.CharField(required=False, write_only=True)
    batch = serializers.CharField(
        max_length=LONGEST_MESSAGE, help_text="A batch of events, as the socket takes it."
    )


class EndedSerializer(serializers.Serializer[Any]):
    """Why a call has ended, and what the person is told of it."""

    reason = serializers.ChoiceField(EndReason.choices)
    message = serializers.CharField()


class BatchTakenSerializer(serializers.Serializer[Any]):
    """What the socket would have answered."""

    batch = serializers.IntegerField()
    rest_ms = serializers.IntegerField(help_text="So long the page is to wait before the next one.")
    ended = EndedSerializer(allow_null=True, help_text="Null while the call goes on.")


class RealtimeBatchView(Endpoint):
    """Telemetry without a socket: where the network lets none through, and while a page is closed."""

    permission_classes = (IsAuthenticated, TalkPermission)
    write_scope = Scope.TALK
    takes_keys = False
    http_method_names = ("post",)
    # What a browser can send while a page goes is a form.
    parser_classes = (MultiPartParser, FormParser, NestedJSONParser)

    @extend_schema(request=PostedBatchSerializer, responses=BatchTakenSerializer)
    def post(self, request: Request) -> Response:
        """Store a batch; an event that was told before is passed over."""
        refuse_parameters(request)
        serializer = PostedBatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            told = read_batch(serializer.validated_data["batch"])
        except PydanticError:
            raise ChannelRefusedError() from None
        taken = take(person_of(request), told, timezone.now())
        tell_panels(taken)
        rest_ms = REST_MS if taken.is_flood else 0
        answer = {"batch": told.batch, "rest_ms": rest_ms, "ended": end_of(taken)}
        return Response(BatchTakenSerializer(answer).data)
