"""The addresses below /api/ai/: what a page that talks asks for."""

from django.urls import path

from apps.realtime.api import (
    RealtimeBatchView,
    RealtimeSessionView,
    RealtimeTokenView,
    RealtimeToolView,
    RealtimeTranscriptView,
)

urlpatterns = [
    path("realtime-token", RealtimeTokenView.as_view(), name="realtime-token"),
    path(
        "realtime/sessions/<uuid:session_id>",
        RealtimeSessionView.as_view(),
        name="realtime-session",
    ),
    path("realtime/tools", RealtimeToolView.as_view(), name="realtime-tools"),
    path("realtime/telemetry", RealtimeBatchView.as_view(), name="realtime-telemetry"),
    path("realtime/transcripts", RealtimeTranscriptView.as_view(), name="realtime-transcripts"),
]
