"""Routes of the Brain."""

from django.urls import path

from apps.brain.views import calls, settings

app_name = "brain"

urlpatterns = [
    path("settings/", settings.show_settings, name="settings"),
    path("calls/", calls.list_calls, name="call_list"),
    path("calls/export.csv", calls.export_calls, name="call_export"),
    path("calls/<int:pk>/", calls.show_call, name="call_detail"),
]
