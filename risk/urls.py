from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from risk import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/thresholds/", views.thresholds, name="settings-thresholds"),
    path("quality/", views.quality, name="quality"),
    path("quality/roll-back/", views.roll_back, name="quality-roll-back"),
    path(
        "quality/<str:target>-<str:kind>-<str:scheme>.svg",
        views.quality_chart,
        name="quality-chart",
    ),
]
