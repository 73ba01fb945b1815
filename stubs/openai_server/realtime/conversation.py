"""The protocol of one call: what a client's events and voice lead to, without anything of WebRTC."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

from pydantic import JsonValue, ValidationError

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.edge import problem_of
from stubs.openai_server.realtime import client_events as asked
from stubs.openai_server.realtime.answering import Answer, CancelReason
from stubs.openai_server.realtime.briefing import Briefing
from stubs.openai_server.realtime.client_secrets import SESSION_S, ClientSecret
from stubs.openai_server.realtime.deciding import latest_record
from stubs.openai_server.realtime.findings import FoundRecord
from stubs.openai_server.realtime.hearing import LEAST_COMMITTED_MS, Heard, Hearing, SpokenTurn
from stubs.openai_server.realtime.items import ROOT, Item, Items, new_id
from stubs.openai_server.realtime.outbox import Outbox
from stubs.openai_server.realtime.records import CallRecord
from stubs.openai_server.realtime.script import Script
from stubs.openai_server.realtime.tokens import Tokens, of_heard, of_text, transcription_usage
from stubs.openai_server.realtime.voice import Speech, Voice


class _NotDoneError(Exception):
    """A client's event cannot be carried out."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class Conversation:
    """One call's session, items and answers.

    Args:
        hang_up: ends the call, for the reason given, once what was sent can have arrived.
    """

    def __init__(
        self,
        secret: ClientSecret,
        script: Script,
        record: CallRecord,
        outbox: Outbox,
        hang_up: Callable[[str], None],
    ) -> None:
        self.voice = Voice(self._speech_started, self._speech_stopped)
        self._session = secret.session
        self._session_id = secret.session_id
        self._expires_at = int(time.time()) + SESSION_S
        self._fault = secret.behaviour.name
        self._script = script
        self._record = record
        self._outbox = outbox
        self._hang_up = hang_up
        self._id = new_id("conv")
        self._items = Items()
        self._hearing = Hearing(secret.session.audio.input.turn_detection)
        self._spoken_item_id = new_id()
        self._spoken_turns = 0
        self._found: FoundRecord | None = None
        self._read = Tokens()
        self._answer: Answer | None = None
        self._task: asyncio.Task[None] | None = None
        self._has_spoken = False

    def begin(self) -> None:
        """The channel is open."""
        self._outbox.send("session.created", session=self._session_wire())

    def close(self) -> None:
        """The call is over."""
        if self._task is not None:
            self._task.cancel()

    def receive(self, text: str | bytes) -> None:
        """Take a client's event; what is wrong with it is answered by an ``error`` event."""
        try:
            event: JsonValue = json.loads(text)
        except ValueError:
            self._record.note(
                "in", text if isinstance(text, str) else text.decode(errors="replace")
            )
            self._send_error("invalid_json", "The event is not JSON.", None, None)
            return
        self._record.note("in", event)
        event_id = event.get("event_id") if isinstance(event, dict) else None
        try:
            self._carry_out(asked.CLIENT_EVENT.validate_python(event))
        except ValidationError as error:
            code, message, param = problem_of(error)
            self._send_error(code, message, param or "type", event_id)
        except _NotDoneError as error:
            self._send_error(error.code, str(error), error.param, event_id)

    def hear(self, loudness: float, duration_ms: float) -> None:
        """Take a piece of the caller's audio; its loudness is a share of the loudest, 0 to 1."""
        detection = self._session.audio.input.turn_detection
        match self._hearing.take(loudness, duration_ms):
            case Heard.STARTED:
                self._spoken_item_id = new_id()
                self._outbox.send(
                    "input_audio_buffer.speech_started",
                    audio_start_ms=self._hearing.turn.start_ms,
                    item_id=self._spoken_item_id,
                )
                if detection is not None and detection.interrupt_response:
                    self._interrupt()
            case Heard.STOPPED:
                turn = self._hearing.finish()
                self._outbox.send(
                    "input_audio_buffer.speech_stopped",
                    audio_end_ms=turn.end_ms,
                    item_id=self._spoken_item_id,
                )
                self._take_turn(turn)
                if detection is not None and detection.create_response:
                    self._respond_if_idle()

    def _carry_out(self, event: asked.ClientEvent) -> None:
        match event:
            case asked.SessionUpdate():
                self._update(event)
            case asked.ItemCreate():
                self._create(event)
            case asked.ItemRetrieve():
                item = self._existing(event.item_id, "item_retrieve_invalid_item_id")
                self._outbox.send("conversation.item.retrieved", item=item.wire)
            case asked.ItemDelete():
                self._existing(event.item_id, "item_delete_invalid_item_id")
                self._items.remove(event.item_id)
                self._outbox.send("conversation.item.deleted", item_id=event.item_id)
            case asked.ItemTruncate():
                item = self._existing(event.item_id, "item_truncate_invalid_item_id")
                if not item.said_ms or event.audio_end_ms > item.said_ms:
                    raise _NotDoneError("invalid_value", "So much audio was not said.")
                self._truncate(item, event.audio_end_ms)
            case asked.AudioAppend():
                message = "Audio comes by the call's own track, not by events."
                raise _NotDoneError("invalid_value", message, "type")
            case asked.AudioCommit():
                self._commit()
            case asked.AudioClear():
                self._hearing.clear()
                self._outbox.send("input_audio_buffer.cleared")
            case asked.OutputClear():
                self._silence()
            case asked.ResponseCreate():
                self._respond(event.response)
            case asked.ResponseCancel():
                self._cancel(event.response_id)

    def _update(self, event: asked.SessionUpdate) -> None:
        update = event.session
        if "model" in update.model_fields_set and update.model != self._session.model:
            raise _NotDoneError("invalid_value", "The model cannot be changed.", "session.model")
        updated = self._session.updated(update)
        if self._has_spoken and updated.audio.output.voice != self._session.audio.output.voice:
            raise _NotDoneError(
                "cannot_update_voice",
                "Cannot update a conversation's voice if assistant audio is present.",
                "session.audio.output.voice",
            )
        if updated.audio.input.turn_detection != self._session.audio.input.turn_detection:
            self._hearing.adjust(updated.audio.input.turn_detection)
        self._session = updated
        self._outbox.send("session.updated", session=self._session_wire())

    def _create(self, event: asked.ItemCreate) -> None:
        new = event.item
        if new.id is not None and self._items.find(new.id) is not None:
            raise _NotDoneError("item_create_duplicate_item_id", "The id is taken.", "item.id")
        after = event.previous_item_id
        if after not in {None, ROOT}:
            self._existing(str(after), "item_create_invalid_previous_item_id")
        given = new.model_dump(mode="json", exclude={"id", "object", "status"})
        if isinstance(new, asked.FunctionCall) and new.call_id is None:
            given["call_id"] = new_id("call")
        wire: JsonObject = {"id": new.id or new_id(), "object": "realtime.item", **given}
        item = Item(wire | {"status": "completed"}, of_text(json.dumps(given)))
        if isinstance(new, asked.FunctionCallOutput):
            self._take_output(new)
        elif isinstance(new, asked.Said) and new.role == "user":
            words = " ".join(part.text for part in new.content).strip()
            item.turn = self._script.typed(words)
            self._record.say("typed", words)
        self._add(item, after)

    def _take_output(self, new: asked.FunctionCallOutput) -> None:
        calls = (item.wire for item in self._items if item.kind == "function_call")
        call = next((call for call in calls if call["call_id"] == new.call_id), None)
        if call is None:
            message = f"Tool call ID '{new.call_id}' not found in conversation."
            raise _NotDoneError("invalid_tool_call_id", message, "item.call_id")
        if "propose" not in str(call["name"]):
            self._found = latest_record([new.output]) or self._found

    def _add(self, item: Item, after: str | None = None) -> None:
        before = self._items.add(item, after)
        for kind in ("added", "done"):
            self._outbox.send(f"conversation.item.{kind}", previous_item_id=before, item=item.wire)

    def _commit(self) -> None:
        heard_ms = self._hearing.turn.duration_ms
        if heard_ms < LEAST_COMMITTED_MS:
            raise _NotDoneError(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{LEAST_COMMITTED_MS}ms of audio, but buffer only has {heard_ms:.2f}ms of audio.",
            )
        self._take_turn(self._hearing.finish())

    def _take_turn(self, turn: SpokenTurn) -> None:
        """What was spoken becomes an item; its words are the script's next."""
        item_id, self._spoken_item_id = self._spoken_item_id, new_id()
        said = self._script.spoken(self._spoken_turns, self._found.name if self._found else "")
        self._spoken_turns += 1
        self._outbox.send(
            "input_audio_buffer.committed", previous_item_id=self._items.last_id, item_id=item_id
        )
        wire: JsonObject = {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        item = Item(wire, of_heard(turn.duration_ms), said)
        self._add(item)
        self._record.say("spoken", said.said)
        transcription = self._session.audio.input.transcription
        if transcription is None:
            return
        item.wire = wire | {"content": [{"type": "input_audio", "transcript": said.said}]}
        place: JsonObject = {"item_id": item_id, "content_index": 0}
        kind = "conversation.item.input_audio_transcription"
        self._outbox.send(f"{kind}.delta", **place, delta=said.said)
        used = transcription_usage(transcription.model or "", turn.duration_ms, said.said)
        self._outbox.send(f"{kind}.completed", **place, transcript=said.said, usage=used)

    def _respond_if_idle(self) -> None:
        try:
            self._respond(asked.ResponseSettings())
        except _NotDoneError as error:
            self._send_error(error.code, str(error), error.param, None)

    def _respond(self, settings: asked.ResponseSettings) -> None:
        if self._answer is not None and not self._answer.is_over:
            message = f"Conversation already has an active response: {self._answer.id}."
            raise _NotDoneError("conversation_already_has_active_response", message)
        if self._fault == "session-expired":
            message = "Your session hit the maximum duration of 60 minutes."
            self._send_error("session_expired", message, None, None)
            self._hang_up("session_expired")
            return
        briefing = Briefing(self._session, settings, self._items, self._found)
        step = briefing.step(self._fault)
        manner = briefing.manner(
            characters_per_s=self._script.characters_per_s,
            conversation_id=self._id,
            read_before=self._read,
            is_half=self._fault == "incomplete",
        )
        self._read = manner.read
        answer = Answer(step, manner, self._items, self._outbox, self.voice)
        self._answer = answer
        self._has_spoken = self._has_spoken or (manner.is_spoken and not step.calls)
        self._task = asyncio.get_running_loop().create_task(self._run(answer))

    async def _run(self, answer: Answer) -> None:
        await answer.run()
        if answer.text:
            self._record.say("model", answer.text)

    def _cancel(self, response_id: str | None) -> None:
        answer = self._answer
        is_other = answer is not None and response_id not in {None, answer.id}
        if answer is None or answer.is_over or is_other:
            message = "Cancellation failed: no active response found."
            raise _NotDoneError("response_cancel_not_active", message)
        self._stop(answer, "client_cancelled")

    def _interrupt(self) -> None:
        """The caller speaks: what is being answered, or still being said, ends."""
        if self._answer is not None and not self._answer.is_over:
            self._stop(self._answer, "turn_detected")
        for speech in self._silence():
            item = self._items.find(speech.item_id)
            if item is not None:
                self._truncate(item, round(speech.played_ms))

    def _stop(self, answer: Answer, reason: CancelReason) -> None:
        answer.cancel(reason)
        if self._task is not None:
            self._task.cancel()
        if answer.text:
            self._record.say("model", answer.text)

    def _silence(self) -> list[Speech]:
        cut = self.voice.clear()
        for speech in cut:
            self._outbox.send("output_audio_buffer.cleared", response_id=speech.response_id)
        return cut

    def _truncate(self, item: Item, audio_end_ms: int) -> None:
        item.said_ms = audio_end_ms
        item.wire = item.wire | {"content": [{"type": "output_audio", "transcript": None}]}
        self._outbox.send(
            "conversation.item.truncated",
            item_id=item.id,
            content_index=0,
            audio_end_ms=audio_end_ms,
        )

    def _existing(self, item_id: str, code: str) -> Item:
        item = self._items.find(item_id)
        if item is None:
            raise _NotDoneError(code, f"Item with item_id '{item_id}' does not exist.", "item_id")
        return item

    def _speech_started(self, speech: Speech) -> None:
        self._outbox.send("output_audio_buffer.started", response_id=speech.response_id)

    def _speech_stopped(self, speech: Speech) -> None:
        self._outbox.send("output_audio_buffer.stopped", response_id=speech.response_id)

    def _session_wire(self) -> JsonObject:
        wire = self._session.wire(self._session_id, self._expires_at)
        self._record.session = wire
        return wire

    def _send_error(self, code: str, message: str, param: str | None, event_id: JsonValue) -> None:
        error: JsonObject = {
            "type": "invalid_request_error",
            "code": code,
            "message": message,
            "param": param,
            "event_id": event_id,
        }
        self._outbox.send("error", error=error)
