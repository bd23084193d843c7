from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from platforms import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("hooks/zenoti/", views.zenoti, name="hook-zenoti"),
    path("hooks/sms/status/", views.sms_status, name="hook-sms-status"),
    path("hooks/sms/status/<uuid:item>/", views.sms_status, name="hook-sms-receipt"),
    path("hooks/sms/inbound/", views.sms_inbound, name="hook-sms-inbound"),
    path("hooks/mail/", views.mail, name="hook-mail"),
]
