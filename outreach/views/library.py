"""Settings: offers, texts and the rules for writing to guests."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import F
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import clock
from audit.access import requires
from outreach import services
from outreach.errors import BadTemplate, OutreachError
from outreach.forms import CAUSES, FIELD_HELP, PLACES, OfferForm, PolicyForm, TemplateForm
from outreach.library import curation
from outreach.models import Channel, LibraryStatus, Offer, OutreachPolicy, Template
from outreach.texts.fields import SAMPLE, fill, sms_size
from outreach.views.parts import telling

if TYPE_CHECKING:
    from staff.request import StaffRequest

CAUSE_WORDS = dict([*CAUSES, *PLACES])


# --- Offers -------------------------------------------------------------------------------------


@requires("outreach.view_library")
@require_GET
def offers(request: StaffRequest) -> HttpResponse:
    rows = [
        {"offer": offer, "causes": [CAUSE_WORDS.get(cause, cause) for cause in offer.causes]}
        for offer in Offer.objects.select_related("proposed_by").order_by("rank", "name")
    ]
    context = {"groups": _by_status(rows, lambda row: row["offer"].status)}
    return render(request, "outreach/offers.html", context)


def _by_status(rows: list[Any], status_of: Any) -> list[tuple[str, list[Any]]]:
    """Rows under a heading per status: what waits for approval first."""
    headings = [
        (LibraryStatus.PROPOSED, _("Waits for approval")),
        (LibraryStatus.ACTIVE, _("In use")),
        (LibraryStatus.RETIRED, _("Retired")),
    ]
    grouped = [(words, [row for row in rows if status_of(row) == s]) for s, words in headings]
    return [(words, members) for words, members in grouped if members]


@requires("outreach.propose_library")
@require_http_methods(["GET", "POST"])
def offer_add(request: StaffRequest) -> HttpResponse:
    form = OfferForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            curation.propose_offer(data=form.cleaned_data, by=request.user, now=clock.now())
        except OutreachError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Proposed. Someone else approves it."))
            return redirect("settings-offers")
    status = 422 if form.errors else 200
    return render(request, "outreach/offer_form.html", {"form": form}, status=status)


@requires("outreach.approve_library")
@require_POST
def offer_status(request: StaffRequest, pk: int) -> HttpResponse:
    offer = Offer.objects.filter(pk=pk).first()
    if offer is None:
        raise Http404("No such offer.")
    _set_status(request, curation.set_offer_status, was=offer.status, offer_id=pk)
    return redirect("settings-offers")


def _set_status(request: StaffRequest, act: Any, *, was: str, **which: int) -> None:
    status = request.POST.get("status", "")
    if status not in (LibraryStatus.ACTIVE, LibraryStatus.RETIRED):
        raise Http404("No such status.")
    try:
        act(
            status=status,
            by=request.user,
            now=clock.now(),
            note=request.POST.get("note", ""),
            **which,
        )
    except OutreachError as error:
        messages.error(request, str(error))
    else:
        if status == LibraryStatus.ACTIVE:
            words = _("In use.")
        elif was == LibraryStatus.PROPOSED:
            words = _("Refused. Whoever proposed it is told.")
        else:
            words = _("Retired.")
        messages.success(request, words)


# --- Texts --------------------------------------------------------------------------------------


@requires("outreach.view_library")
@require_GET
def templates(request: StaffRequest) -> HttpResponse:
    """Texts in use and proposed ones, by play, answers last; `?all=1` shows retired ones too."""
    rows = Template.objects.select_related("play", "proposed_by").order_by(
        F("play__name").asc(nulls_last=True), "slug", "-version"
    )
    show_all = request.GET.get("all") == "1"
    if not show_all:
        rows = rows.exclude(status=LibraryStatus.RETIRED)
    shown = [{"template": t, "cause": _answers(t), "size": _size(t)} for t in rows]
    plays = [
        (play or _("Answers to guests"), list(members))
        for play, members in groupby(shown, key=lambda r: r["template"].play)
    ]
    context = {"plays": plays, "show_all": show_all}
    return render(request, "outreach/templates.html", context)


def _answers(template: Template) -> str:
    """What a text answers: a guest who …, or the reason a play found."""
    if template.topic:
        return _("a guest who %(topic)s") % {"topic": template.get_topic_display()}
    return str(CAUSE_WORDS.get(template.cause, _("any reason")))


def _size(template: Template) -> Any:
    return sms_size(fill(template.body, SAMPLE)) if template.channel == "sms" else None


@requires("outreach.view_library")
@require_http_methods(["GET", "POST"])
def template(request: StaffRequest, pk: int) -> HttpResponse:
    """One text: how it looks on a phone, its versions, and the form for the next version."""
    shown = Template.objects.select_related("play", "proposed_by", "approved_by").filter(pk=pk)
    current = shown.first()
    if current is None:
        raise Http404("No such text.")
    initial = {
        name: getattr(current, name)
        for name in ("name", "play", "topic", "cause", "channel", "language", "subject", "body")
    }
    form = TemplateForm(request.POST or None, initial=initial)
    return _template_page(request, form, current=current)


@requires("outreach.propose_library")
@require_http_methods(["GET", "POST"])
def template_add(request: StaffRequest) -> HttpResponse:
    return _template_page(request, TemplateForm(request.POST or None), current=None)


def _template_page(
    request: StaffRequest, form: TemplateForm, *, current: Template | None
) -> HttpResponse:
    if request.method == "POST" and request.POST.get("act") != "preview" and form.is_valid():
        try:
            made = curation.propose_template(
                data=form.cleaned_data,
                by=request.user,
                now=clock.now(),
                slug=current.slug if current else "",
            )
        except OutreachError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Proposed. Someone else approves it."))
            return redirect("settings-template", pk=made.pk)
    typed = form.is_bound
    subject, body = _preview(form, current)
    context = {
        "form": form,
        "template": current,
        "versions": (
            Template.objects.filter(slug=current.slug).select_related("proposed_by")
            if current
            else []
        ),
        "subject": subject,
        "body": body,
        "size": sms_size(body),
        "is_email": form["channel"].value() == Channel.EMAIL,
        "sample": json.dumps(SAMPLE),
        "fields": FIELD_HELP,
        "edit_open": typed or current is None,
    }
    status = 422 if typed and form.errors else 200
    return render(request, "outreach/template.html", context, status=status)


def _preview(form: TemplateForm, current: Template | None) -> tuple[str, str]:
    """Subject and text with sample values; as typed where the fields are wrong."""
    subject, body = form["subject"].value() or "", form["body"].value() or ""
    try:
        return fill(subject, SAMPLE), fill(body, SAMPLE)
    except BadTemplate:
        return subject, body


@requires("outreach.approve_library")
@require_POST
def template_status(request: StaffRequest, pk: int) -> HttpResponse:
    template = Template.objects.filter(pk=pk).first()
    if template is None:
        raise Http404("No such text.")
    _set_status(request, curation.set_template_status, was=template.status, template_id=pk)
    return redirect("settings-template", pk=pk)


@requires("outreach.propose_library")
@require_POST
def template_test(request: StaffRequest, pk: int) -> HttpResponse:
    """Send the text to the signed-in person themselves."""
    if not Template.objects.filter(pk=pk).exists():
        raise Http404("No such text.")
    with telling(request, _("On its way to you, marked as a test.")):
        services.send_test(template_id=pk, by=request.user, now=clock.now())
    return redirect("settings-template", pk=pk)


# --- Rules --------------------------------------------------------------------------------------


@requires("outreach.view_library")
@require_http_methods(["GET", "POST"])
def policy(request: StaffRequest) -> HttpResponse:
    """The rules; those who may not change them read them."""
    current = OutreachPolicy.current()
    may_change = request.user.has_perm("outreach.change_policy", current)
    form = PolicyForm(request.POST if request.method == "POST" else None, instance=current)
    if request.method == "POST":
        if not may_change:
            form.add_error(None, _("Only people who serve every location may change the rules."))
        elif form.is_valid():
            curation.change_policy(data=form.cleaned_data, by=request.user, now=clock.now())
            messages.success(request, _("Saved."))
            return redirect("settings-policy")
    if not may_change:
        for field in form.fields.values():
            field.disabled = True
    context = {"form": form, "may_change": may_change}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "outreach/policy.html", context, status=status)
