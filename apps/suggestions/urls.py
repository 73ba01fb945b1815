"""Routes of the review queue."""

from django.urls import path

from apps.suggestions.views import editing, queue, story, undoing

app_name = "suggestions"

urlpatterns = [
    path("", queue.show_queue, name="queue"),
    path("<int:pk>/", queue.show_suggestion, name="detail"),
    path("<int:pk>/story/", story.show_story, name="story"),
    path("<int:pk>/approve/", queue.approve, name="approve"),
    path("<int:pk>/reject/", queue.reject, name="reject"),
    path("<int:pk>/snooze/", queue.snooze, name="snooze"),
    path("<int:pk>/rebase/", queue.rebase, name="rebase"),
    path("<int:pk>/reopen/", queue.reopen, name="reopen"),
    path("<int:pk>/edit/", editing.edit, name="edit"),
    path("<int:pk>/undo/", undoing.undo, name="undo"),
]
