"""Routes of the first page, of the forecast and of the page about how people decide."""

from django.urls import path

from apps.dashboard import views
from apps.dashboard.outlook import views as outlook
from apps.dashboard.oversight import views as oversight

app_name = "dashboard"

urlpatterns = [
    path("", views.show_today, name="today"),
    path("today/team.csv", views.export_team, name="team_export"),
    path("predictions/forecast/", outlook.show_forecast, name="forecast"),
    path("predictions/forecast/deals.csv", outlook.export_deals, name="forecast_deals_export"),
    path("predictions/forecast/days.csv", outlook.export_days, name="forecast_days_export"),
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
