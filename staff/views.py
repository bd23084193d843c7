"""Signing in, one's own preferences, and the people who work here."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import clock
from audit.access import picked_location, public, requires, signed_in
from staff import kept, second_factor, services
from staff.forms import CodeForm, PersonForm, PreferencesForm
from staff.models import User
from staff.request import StaffRequest
from staff.settings_pages import PAGES as SETTINGS

# Where work begins, by the widest permission a person holds.
HOMES = [
    ("retention.view_overview", "overview"),
    ("outreach.view_draft", "review"),
    ("cancellations.work_calls", "calls"),
]


def _wanted(request: HttpRequest) -> str:
    """The page the person was on their way to: only one of ours, else the home page."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else "home"


@public
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_wanted(request))
    form = AuthenticationForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = form.get_user()
        login(request, user)
        services.note_sign_in(user=user, now=clock.now())
        return redirect("kept") if kept.waiting(request) else redirect(_wanted(request))
    status = 422 if form.errors else 200
    context = {"form": form, "next": request.POST.get("next") or request.GET.get("next", "")}
    return render(request, "registration/sign_in.html", context, status=status)


@signed_in
@require_http_methods(["GET", "POST"])
def kept_form(request: StaffRequest) -> HttpResponse:
    """What was sent when the sign-in had ended: send it now, or (POST) leave it."""
    found = kept.waiting(request)
    if found is None:
        return redirect("home")
    if request.method == "POST":
        kept.drop(request)
        return redirect(found.page)
    return render(request, "registration/kept.html", {"kept": found})


def token_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is not of this sign-in: the page was open since before it. If the browser
    vouches that it was our page, what was typed is shown again, to be sent by one press."""
    match = request.resolver_match
    is_public = match is None or getattr(match.func, "access", "") == "public"
    if is_public or not kept.is_from_our_page(request):
        return render(request, "403_csrf.html", status=403)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401)  # static/js/tenure.js sends it once more as a page
    if not request.user.is_authenticated:
        kept.keep(request, person_id=getattr(request, "was_signed_in", None))
        return redirect_to_login(kept.page_of(request), resolve_url(settings.LOGIN_URL))
    kept.keep(request, person_id=request.user.pk)
    return render(request, "registration/kept.html", {"kept": kept.sent(request)}, status=403)


@signed_in
@require_POST
def sign_out(request: StaffRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


@signed_in
@require_GET
def home(request: StaffRequest) -> HttpResponse:
    """To where this person's work is."""
    held = (name for permission, name in HOMES if request.user.has_perm(permission))
    place = picked_location(request)
    return redirect(reverse(next(held)) + (f"?location={place}" if place else ""))


@signed_in
@require_GET
def session(request: StaffRequest) -> HttpResponse:
    """Somebody is here: the sign-in goes on."""
    return HttpResponse(status=204)


@signed_in
@require_http_methods(["GET", "POST"])
def show_second_factor(request: StaffRequest) -> HttpResponse:
    """Asks for the code after the password."""
    user = request.user
    if not second_factor.has_one(user):
        return redirect("second-factor-set-up")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            second_factor.verify(request, user=user, code=form.cleaned_data["code"])
            return redirect(_wanted(request))
        except second_factor.WrongCode:
            form.add_error(
                "code", _("This code does not fit. Wait for the next one and try again.")
            )
    context = {"form": form, "next": request.POST.get("next") or request.GET.get("next", "")}
    status = 422 if form.errors else 200
    return render(request, "registration/second_factor.html", context, status=status)


@signed_in
@require_http_methods(["GET", "POST"])
def set_up_second_factor(request: StaffRequest) -> HttpResponse:
    """Pairs an authenticator app and shows the recovery codes once. Somebody who has a factor
    shows that one first."""
    user = request.user
    if second_factor.has_one(user) and not user.is_verified():  # type: ignore[attr-defined]
        return redirect("second-factor")
    device = second_factor.started(user)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            device, codes = second_factor.confirm(
                user=user, code=form.cleaned_data["code"], now=clock.now()
            )
        except second_factor.WrongCode:
            form.add_error("code", _("This code does not fit. Check the clock of the phone."))
        else:
            second_factor.accept(request, device)
            return render(request, "registration/recovery_codes.html", {"codes": codes})
    context = {
        "form": form,
        "picture": second_factor.picture_of(device),
        "secret": second_factor.secret_of(device),
    }
    status = 422 if form.errors else 200
    return render(request, "registration/second_factor_set_up.html", context, status=status)


@public
@sensitive_post_parameters("new_password1", "new_password2")
@require_http_methods(["GET", "POST"])
def set_password(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Where the link an administrator hands over leads to."""
    person = services.person_of_link(uid, token)
    if person is None:
        return render(request, "registration/link_void.html", status=410)
    form = SetPasswordForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.set_password(
            person=person, password=form.cleaned_data["new_password1"], now=clock.now()
        )
        messages.success(request, _("Your password is set. Sign in with it."))
        return redirect("sign-in")
    context = {"form": form, "person": person}
    status = 422 if form.errors else 200
    return render(request, "registration/set_password.html", context, status=status)


@signed_in
@require_http_methods(["GET", "POST"])
def preferences(request: StaffRequest) -> HttpResponse:
    person = User.objects.get(pk=request.user.pk)
    form = PreferencesForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("preferences")
    context = {
        "form": form,
        "has_second_factor": second_factor.has_one(person),
        "may_need_one": second_factor.may_need_one(person),
    }
    return render(request, "staff/preferences.html", context, status=422 if form.errors else 200)


@signed_in
@require_GET
def settings_index(request: StaffRequest) -> HttpResponse:
    """The settings pages this person may open."""
    pages = [page for page in SETTINGS if page.opens_for(request.user)]
    return render(request, "staff/settings.html", {"pages": pages})


@requires("staff.manage_people")
@require_GET
def people(request: StaffRequest) -> HttpResponse:
    everybody = User.objects.prefetch_related("locations").order_by(
        "-is_active", "first_name", "last_name", "username"
    )
    return render(request, "staff/people.html", {"people": everybody})


@requires("staff.manage_people")
@require_http_methods(["GET", "POST"])
def add_person(request: StaffRequest) -> HttpResponse:
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        person = services.add_person(
            fields=form.values(),
            locations=form.cleaned_data["locations"],
            by=request.user,
            now=now,
        )
        return _hand_over(request, person)
    return render(request, "staff/person.html", {"form": form}, status=422 if form.errors else 200)


@requires("staff.manage_people")
@require_http_methods(["GET", "POST"])
def person(request: StaffRequest, pk: int) -> HttpResponse:
    who = get_object_or_404(User, pk=pk)
    form = PersonForm(request.POST or None, instance=who)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_person(
                person_id=pk,
                version=form.cleaned_data["version"] or 0,
                fields=form.values(),
                locations=form.cleaned_data["locations"],
                by=request.user,
                now=clock.now(),
            )
        except (services.LastAdministrator, services.ChangedMeanwhile) as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Saved. It counts from their next click."))
            return redirect("settings-people")
    context = {"form": form, "who": who, "has_second_factor": second_factor.has_one(who)}
    return render(request, "staff/person.html", context, status=422 if form.errors else 200)


@requires("staff.manage_people")
@require_POST
def person_link(request: StaffRequest, pk: int) -> HttpResponse:
    """A new link to choose a password, shown once."""
    return _hand_over(request, get_object_or_404(User, pk=pk, is_active=True))


def _hand_over(request: StaffRequest, person: User) -> HttpResponse:
    path = services.password_link(person=person, by=request.user, now=clock.now())
    context = {"who": person, "link": request.build_absolute_uri(path)}
    return render(request, "staff/person_link.html", context)


@requires("staff.manage_people")
@require_POST
def person_second_factor(request: StaffRequest, pk: int) -> HttpResponse:
    """Takes the second factor of somebody who lost the phone away."""
    second_factor.remove(person=get_object_or_404(User, pk=pk), by=request.user, now=clock.now())
    messages.success(request, _("Removed. They set up a new one at their next sign-in."))
    return redirect("settings-person", pk)
