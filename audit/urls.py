from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from audit import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("activity/", views.activity, name="activity"),
    path("activity/export/", views.activity_export, name="activity-export"),
]
