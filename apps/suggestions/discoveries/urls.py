"""Routes of what was discovered."""

from django.urls import path

from apps.suggestions.discoveries import views

app_name = "discoveries"

urlpatterns = [
    path("", views.show_discoveries, name="discovered"),
    path("looked/", views.note_looked, name="looked"),
    path("seen/", views.mark_as_seen, name="seen"),
]
