"""Routes of the crm app: for each kind of record ``crm:<kind>_list``, ``_detail`` and so on."""

from django.urls import URLPattern, URLResolver, include, path

from apps.crm.layouts import LAYOUTS, Layout
from apps.crm.models import MergeableRecord
from apps.crm.views import additions, details, drafts, edits, former, lists, search

app_name = "crm"


def record_routes(layout: Layout) -> list[URLPattern]:
    """Return the routes of one kind of record."""
    folder, name, options = layout.path, layout.kind.value, {"kind": layout.kind}
    routes = [
        path(f"{folder}/", lists.list_records, options, f"{name}_list"),
        path(f"{folder}/export.csv", lists.export_records, options, f"{name}_export"),
        path(f"{folder}/options/", lists.list_options, options, f"{name}_options"),
        path(f"{folder}/new/", edits.create, options, f"{name}_create"),
        path(f"{folder}/<int:pk>/", details.show_record, options, f"{name}_detail"),
        path(f"{folder}/<int:pk>/edit/", edits.edit, options, f"{name}_edit"),
    ]
    if layout.can_be_talked_about:
        routes += [
            path(f"{folder}/<int:pk>/log/", additions.log_activity, options, f"{name}_log"),
            path(f"{folder}/<int:pk>/tasks/", additions.add_task, options, f"{name}_add_task"),
        ]
    if issubclass(layout.model, MergeableRecord):
        routes.append(
            path(f"{folder}/<int:pk>/former/", former.show_former, options, f"{name}_former")
        )
    return routes


urlpatterns: list[URLPattern | URLResolver] = [
    *(route for layout in LAYOUTS.values() for route in record_routes(layout)),
    path("tasks/<int:pk>/done/", additions.finish_task, name="task_done"),
    path("drafts/<int:pk>/sent/", drafts.mark_sent, name="draft_sent"),
    path("drafts/<int:pk>/discard/", drafts.discard, name="draft_discard"),
    path("search/", search.search_records, name="search"),
    path("import/", include("apps.crm.importing.urls")),
]
