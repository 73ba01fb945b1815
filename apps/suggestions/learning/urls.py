"""Routes of what was learned."""

from django.urls import path

from apps.suggestions.learning import views

app_name = "learning"

urlpatterns = [
    path("", views.show_learning, name="learning"),
    path("reset/", views.ask_reset, name="ask_reset"),
    path("reset/start/", views.reset, name="reset"),
    *(
        path(f"{table}.csv", views.export_learning, {"table": table}, name=f"{table}_export")
        for table in views.HEADERS
    ),
]
