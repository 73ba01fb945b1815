"""Routes of the import pages, below ``import/`` and in the namespace ``crm``."""

from django.urls import URLPattern, path

from apps.crm.importing import views

urlpatterns: list[URLPattern] = [
    path("", views.start, name="import_start"),
    path("<int:pk>/", views.show_progress, name="import_progress"),
    path("<int:pk>/map/", views.map_columns, name="import_map"),
    path("<int:pk>/cancel/", views.cancel, name="import_cancel"),
    path("<int:pk>/reopen/", views.reopen, name="import_reopen"),
    path("<int:pk>/problems.csv", views.download_errors, name="import_errors"),
]
