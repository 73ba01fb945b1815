"""Routes of duplicates: pairs, what is said of them, groups of them, and runs."""

from django.urls import path

from apps.duplicates.views import groups, pairs, runs

app_name = "duplicates"

urlpatterns = [
    path("duplicates/", pairs.list_pairs, name="pair_list"),
    path("duplicates/export.csv", pairs.export_pairs, name="pair_export"),
    path("duplicates/groups/", groups.list_groups, name="group_list"),
    path("duplicates/groups/export.csv", groups.export_groups, name="group_export"),
    path("duplicates/<int:pk>/", pairs.show_pair, name="pair_detail"),
    path(
        "duplicates/<int:pk>/not-a-duplicate/", pairs.say_not_duplicate, name="pair_not_duplicate"
    ),
    path("duplicates/<int:pk>/take-back/", pairs.take_back, name="pair_take_back"),
    path("duplicates/runs/", runs.list_runs, name="run_list"),
    path("duplicates/runs/start/", runs.start, name="run_start"),
    path("duplicates/runs/<int:pk>/", runs.show_run, name="run_detail"),
    path("duplicates/runs/<int:pk>/cancel/", runs.cancel, name="run_cancel"),
]
