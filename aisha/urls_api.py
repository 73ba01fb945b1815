"""Version 1 of the API: every app's endpoints under one router."""

from rest_framework.routers import SimpleRouter

router = SimpleRouter()

urlpatterns = router.urls
