"""Routes of the audit app."""

from django.urls import URLPattern, path

from apps.audit import views

app_name = "audit"

urlpatterns: list[URLPattern] = [
    path("", views.list_entries, name="entry_list"),
    path("export.csv", views.export_entries, name="entry_export"),
    path("head.json", views.export_head, name="head_export"),
]
