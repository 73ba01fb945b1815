"""Routes of what the language model costs; they stand among the Brain's pages."""

from django.urls import path

from apps.suggestions.views import costs

app_name = "costs"

urlpatterns = [
    path("", costs.show_costs, name="costs"),
    *(
        path(f"{table}.csv", costs.export_costs, {"table": table}, name=f"{table}_export")
        for table in costs.HEADERS
    ),
]
