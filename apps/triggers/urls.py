"""Routes of the triggers and the scans."""

from django.urls import path

from apps.triggers.views import health, replays, scans, triggers, working_days

app_name = "triggers"

urlpatterns = [
    path("triggers/", triggers.list_triggers, name="trigger_list"),
    path("triggers/export.csv", triggers.export_triggers, name="trigger_export"),
    path("triggers/health/", health.show_health, name="health"),
    path("triggers/health/export.csv", health.export_health, name="health_export"),
    path("triggers/working-days/", working_days.show_working_days, name="working_days"),
    path("triggers/<slug:key>/", triggers.show_trigger, name="trigger_detail"),
    path("triggers/<slug:key>/defaults/", triggers.restore_defaults, name="trigger_defaults"),
    path("triggers/<slug:key>/replays/", replays.list_replays, name="replay_list"),
    path("triggers/<slug:key>/replays/export.csv", replays.export_replays, name="replay_export"),
    path("triggers/<slug:key>/replays/<int:pk>/", replays.show_replay_run, name="replay_detail"),
    path(
        "triggers/<slug:key>/replays/<int:pk>/export.csv",
        replays.export_replay_records,
        name="replay_records_export",
    ),
    path(
        "triggers/<slug:key>/replays/<int:pk>/cancel/",
        replays.cancel_replay,
        name="replay_cancel",
    ),
    path("scans/", scans.list_scans, name="scan_list"),
    path("scans/export.csv", scans.export_scans, name="scan_export"),
    path("scans/new/", scans.ask_scan, name="scan_ask"),
    path("scans/start/", scans.start_scan, name="scan_start"),
    path("scans/<int:pk>/", scans.show_scan, name="scan_detail"),
    path("scans/<int:pk>/stop/", scans.stop_scan, name="scan_stop"),
]
