"""All addresses of the product. Each app owns its pages; nothing else is routed here."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from config.guest_export import guest_export
from config.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("members/<int:guest_id>/export/", guest_export, name="member-export"),
    path("", include("staff.urls")),
    path("", include("audit.urls")),
    path("", include("platforms.urls")),
    path("", include("memberships.urls")),
    path("", include("risk.urls")),
    path("", include("outreach.urls")),
    path("", include("retention.urls")),
    path("", include("cancellations.urls")),
]
