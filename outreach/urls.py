from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from outreach.views import experiments, hours, library, outgoing, replies, review

urlpatterns: list[URLPattern | URLResolver] = [
    path("review/", review.review, name="review"),
    path("review/together/", review.sheet, name="review-sheet"),
    path("review/<int:pk>/", review.review_draft, name="review-draft"),
    path("review/<int:pk>/approve/", review.approve, name="draft-approve"),
    path("review/<int:pk>/edit/", review.edit, name="draft-edit"),
    path("review/<int:pk>/reject/", review.reject, name="draft-reject"),
    path("review/<int:pk>/snooze/", review.snooze, name="draft-snooze"),
    path("review/<int:pk>/undo/", review.undo, name="draft-undo"),
    path("outgoing/", outgoing.outgoing, name="outgoing"),
    path("outgoing/<int:pk>/cancel/", outgoing.cancel, name="message-cancel"),
    path("outgoing/<int:pk>/retry/", outgoing.retry, name="message-retry"),
    path("outgoing/<int:pk>/settle/", outgoing.settle, name="message-settle"),
    path("sending/stop/", outgoing.stop, name="sending-stop"),
    path("sending/<int:pk>/resume/", outgoing.resume, name="sending-resume"),
    path("replies/", replies.replies, name="replies"),
    path("replies/news/", replies.news, name="replies-news"),
    path("replies/<int:pk>/", replies.thread, name="reply-thread"),
    path("replies/<int:pk>/answer/", replies.answer, name="reply-answer"),
    path("replies/<int:pk>/preview/", replies.preview, name="reply-preview"),
    path("replies/<int:pk>/done/", replies.done, name="reply-done"),
    path("replies/<int:pk>/release/", replies.release, name="reply-release"),
    path("replies/<int:pk>/guest/", replies.name_writer, name="reply-guest"),
    path("replies/answers/<int:pk>/undo/", replies.take_back, name="answer-undo"),
    path("leave/<str:token>/", replies.leave, name="unsubscribe"),
    path("quality/plays/", experiments.quality_plays, name="quality-plays"),
    path("settings/offers/", library.offers, name="settings-offers"),
    path("settings/offers/add/", library.offer_add, name="settings-offer-add"),
    path("settings/offers/<int:pk>/status/", library.offer_status, name="settings-offer-status"),
    path("settings/templates/", library.templates, name="settings-templates"),
    path("settings/templates/add/", library.template_add, name="settings-template-add"),
    path("settings/templates/<int:pk>/", library.template, name="settings-template"),
    path(
        "settings/templates/<int:pk>/status/",
        library.template_status,
        name="settings-template-status",
    ),
    path("settings/hours/", hours.calling_hours, name="settings-hours"),
    path("settings/hours/add/", hours.calling_hours_add, name="settings-hours-add"),
    path("settings/hours/<int:pk>/", hours.calling_hours_change, name="settings-hours-change"),
    path("settings/hours/<int:pk>/end/", hours.calling_hours_end, name="settings-hours-end"),
    path("settings/policy/", library.policy, name="settings-policy"),
]
