"""Routes of realtime voice, and of the debug panel."""

from django.urls import path

from apps.realtime.views import panel, settings, voice

app_name = "realtime"

urlpatterns = [
    path("voice/", voice.show_voice, name="voice"),
    path("talk/", voice.show_talk, name="talk"),
    path("settings/", settings.show_settings, name="settings"),
    path("debug/", panel.show_panel, name="panel"),
    path("debug/drawer/", panel.show_drawer, name="panel_drawer"),
    path("debug/<uuid:session_id>/", panel.show_session, name="panel_session"),
    path("debug/<uuid:session_id>/measures/", panel.show_measures, name="panel_measures"),
    path("debug/<uuid:session_id>/events/", panel.list_events, name="panel_events"),
    path("debug/<uuid:session_id>/export.json", panel.export_session, name="panel_export"),
]
