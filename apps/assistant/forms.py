"""What pages send: a message, the record whose page is open, a recording."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.assistant.threads import LONGEST_TEXT
from apps.audit.enums import Origin
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef, key_pattern


class TalkForm(forms.Form):
    """About which record a conversation begins."""

    record = forms.RegexField(key_pattern(RecordKind), required=False)

    @property
    def about(self) -> RecordRef | None:
        """The record; None where none is named."""
        named: Any = self.cleaned_data["record"]
        return RecordRef.parse(named) if named else None


class MessageForm(TalkForm):
    """What is said, and whether it was typed or spoken."""

    text = forms.CharField(
        max_length=LONGEST_TEXT,
        required=False,
        error_messages={"max_length": "This is too long for one message."},
    )
    # A question that was offered, pressed where no script fills it in.
    example = forms.CharField(max_length=LONGEST_TEXT, required=False)
    origin = forms.ChoiceField(
        choices=[(origin.value, origin.label) for origin in (Origin.TYPED, Origin.VOICE)],
        required=False,
    )

    def clean_example(self) -> str:
        """Demand words, typed or offered."""
        example: str = self.cleaned_data["example"]
        if not example and not self.cleaned_data.get("text") and "text" not in self.errors:
            raise forms.ValidationError("Type a message.")
        return example

    @property
    def said(self) -> str:
        """The words."""
        return str(self.cleaned_data["text"] or self.cleaned_data["example"])

    @property
    def said_by(self) -> Origin:
        """How it was said."""
        return Origin(self.cleaned_data["origin"] or Origin.TYPED)
