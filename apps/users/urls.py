"""Routes of the users app."""

from django.urls import URLPattern, path

from apps.users import views

app_name = "users"

urlpatterns: list[URLPattern] = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("profile/", views.profile, name="profile"),
    path("profile/time-zone/", views.save_time_zone, name="save_time_zone"),
    path("profile/password/", views.change_password, name="change_password"),
    path("profile/tokens/", views.issue_token, name="issue_token"),
    path("profile/tokens/<int:pk>/revoke/", views.revoke_token, name="revoke_token"),
]
