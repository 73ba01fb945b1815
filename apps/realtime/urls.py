"""Routes of realtime voice."""

from django.urls import path

from apps.realtime.views import settings, voice

app_name = "realtime"

urlpatterns = [
    path("voice/", voice.show_voice, name="voice"),
    path("talk/", voice.show_talk, name="talk"),
    path("settings/", settings.show_settings, name="settings"),
]
