"""Routes of the review queue."""

from django.urls import path

from apps.suggestions.views import arranging, bulk, editing, merging, news, queue, story, undoing

app_name = "suggestions"

urlpatterns = [
    path("", queue.show_queue, name="queue"),
    path("facets/", arranging.show_facets, name="facets"),
    path("views/", arranging.views, name="views"),
    path("views/<int:pk>/forget/", arranging.forget, name="forget_view"),
    path("news/", news.show_news, name="news"),
    path("<int:pk>/", queue.show_suggestion, name="detail"),
    path("<int:pk>/story/", story.show_story, name="story"),
    path("<int:pk>/approve/", queue.approve, name="approve"),
    path("<int:pk>/choose/", queue.choose, name="choose"),
    path("<int:pk>/reject/", queue.reject, name="reject"),
    path("<int:pk>/snooze/", queue.snooze, name="snooze"),
    path("<int:pk>/rebase/", queue.rebase, name="rebase"),
    path("<int:pk>/reopen/", queue.reopen, name="reopen"),
    path("<int:pk>/reassign/", queue.reassign, name="reassign"),
    path("<int:pk>/edit/", editing.edit, name="edit"),
    path("<int:pk>/undo/", undoing.undo, name="undo"),
    path("merges/<int:pk>/propose/", merging.propose_merge, name="propose_merge"),
    path("bulk/", bulk.choose, name="bulk"),
    path("bulk/confirm/", bulk.confirm, name="bulk_confirm"),
    path("bulk/start/", bulk.start, name="bulk_start"),
    path("bulk/<int:pk>/", bulk.show, name="bulk_results"),
    path("bulk/<int:pk>/retry/", bulk.retry, name="bulk_retry"),
]
