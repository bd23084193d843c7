from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from memberships import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("sync/", views.sync, name="sync"),
    path("sync/<int:location_id>/now/", views.sync_now, name="sync-now"),
]
