"""Hold-to-record: a recording becomes words, which stand in the composer until the person sends them."""

from __future__ import annotations

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.assistant.views.access import problem, talker_of
from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.brain.exceptions import NotTranscribedError
from apps.brain.transcribing import FILE_NAMES, LONGEST_RECORDING_BYTES, Recording, transcribe
from apps.tenants.exceptions import AishaError
from apps.tenants.services import current_tenant


@require_POST
def transcribe_recording(request: HttpRequest) -> HttpResponseBase:
    """Turn the file ``recording`` into words; refusals are problems in JSON with a code."""
    try:
        user = talker_of(request)
        recording = _recording_in(request)
        now = timezone.now()
        words = transcribe(
            recording,
            actor=Actor.for_person(user, Origin.VOICE),
            today=now.astimezone(current_tenant().zone).date(),
            now=now,
        )
        if not words:
            raise NotTranscribedError("nothing_heard")
    except AishaError as error:
        return problem(error.status, error.code, error.message)
    return JsonResponse({"text": words})


def _recording_in(request: HttpRequest) -> Recording:
    """The recording that was sent.

    Raises:
        NotTranscribedError: there is none, or none that can be read.
    """
    sent = request.FILES.get("recording")
    if not isinstance(sent, UploadedFile) or not sent.size:
        raise NotTranscribedError("no_recording")
    if sent.size > LONGEST_RECORDING_BYTES:
        raise NotTranscribedError("recording_too_large")
    content_type = (sent.content_type or "").partition(";")[0].strip().lower()
    if content_type not in FILE_NAMES:
        raise NotTranscribedError("recording_format")
    return Recording(sent.read(), content_type)
