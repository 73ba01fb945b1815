"""Routes of the first page and of the page about how people decide."""

from django.urls import path

from apps.dashboard import views
from apps.dashboard.oversight import views as oversight

app_name = "dashboard"

urlpatterns = [
    path("", views.show_today, name="today"),
    path("today/team.csv", views.export_team, name="team_export"),
    path("insights/oversight/", oversight.show_oversight, name="oversight"),
    *(
        path(
            f"insights/oversight/{table}.csv",
            oversight.export_oversight,
            {"table": table},
            name=f"oversight_{table}_export",
        )
        for table in oversight.HEADERS
    ),
]
