"""Routes of the dashboard app."""

from django.urls import URLPattern

app_name = "dashboard"

urlpatterns: list[URLPattern] = []
