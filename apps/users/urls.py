"""Routes of the users app."""

from django.urls import URLPattern

app_name = "users"

urlpatterns: list[URLPattern] = []
