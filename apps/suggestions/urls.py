"""Routes of the review queue."""

from django.urls import path

from apps.suggestions import views

app_name = "suggestions"

urlpatterns = [
    path("", views.show_queue, name="queue"),
    path("<int:pk>/", views.show_suggestion, name="detail"),
    path("<int:pk>/approve/", views.approve, name="approve"),
    path("<int:pk>/reject/", views.reject, name="reject"),
    path("<int:pk>/snooze/", views.snooze, name="snooze"),
    path("<int:pk>/rebase/", views.rebase, name="rebase"),
    path("<int:pk>/reopen/", views.reopen, name="reopen"),
]
