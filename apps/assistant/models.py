"""Conversations and what was said in them. They belong to one person, and nobody else reads them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.assistant.enums import Intent, MessageState, Speaker
from apps.audit.enums import Origin
from apps.brain.enums import Provider
from apps.brain.models import BrainCall
from apps.crm.enums import RecordKind
from apps.suggestions.models import Suggestion


class Conversation(models.Model):
    """One thread of a person, typed and spoken, perhaps about the record whose page it began on."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=120, blank=True, help_text="Its first words.")
    record_kind = models.CharField(max_length=20, choices=RecordKind.choices, blank=True)
    record_id = models.BigIntegerField(null=True, blank=True)
    began_at = models.DateTimeField()
    last_said_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_said_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(record_kind="", record_id=None)
                | (~Q(record_kind="") & Q(record_id__isnull=False)),
                name="conversation_record_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-last_said_at", "-id"], name="conversation_of_person"),
        ]

    def __str__(self) -> str:
        return self.title or f"Conversation of {timezone.localtime(self.began_at):%Y-%m-%d %H:%M}"


class Message(models.Model):
    """What one side said.

    ``sentences`` of an answer cite ``facts`` by number, as a suggestion's evidence does:
    ``[{"text": …, "facts": [1]}]`` and
    ``[{"number": 1, "label": …, "text": …, "record": "lead:7"}]``, whose record may be null.
    ``item`` is the provider's id of what was said in a realtime session: it is kept once, however often it
    is told. ``leads_to`` is the address of a page of ours, in an answer that leads there.
    """

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    speaker = models.CharField(max_length=20, choices=Speaker.choices)
    origin = models.CharField(max_length=20, choices=Origin.choices)
    state = models.CharField(
        max_length=20, choices=MessageState.choices, default=MessageState.WHOLE
    )
    text = models.TextField()
    intent = models.CharField(max_length=20, choices=Intent.choices, blank=True)
    sentences = models.JSONField(default=list)
    facts = models.JSONField(default=list)
    leads_to = models.CharField(max_length=300, blank=True)
    suggestions = models.ManyToManyField(Suggestion, related_name="+")
    provider = models.CharField(max_length=20, choices=Provider.choices, blank=True)
    brain_call = models.ForeignKey(BrainCall, null=True, on_delete=models.PROTECT, related_name="+")
    item = models.CharField(max_length=100, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    said_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(origin__in=["typed", "voice", "realtime"]),
                name="message_origin_is_a_way_of_talking",
            ),
            models.UniqueConstraint(
                fields=["conversation", "item"],
                condition=~Q(item=""),
                name="one_message_per_realtime_item",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "id"], name="message_of_conversation"),
        ]

    def __str__(self) -> str:
        return f"{self.speaker} {timezone.localtime(self.said_at):%Y-%m-%d %H:%M}"
