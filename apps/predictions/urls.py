"""Pages of predictions."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "predictions"
urlpatterns: list[URLPattern] = []
