"""Routes of the first page."""

from django.urls import path

from apps.dashboard import views

app_name = "dashboard"

urlpatterns = [path("", views.show_today, name="today")]
