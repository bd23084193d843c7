"""Shape and cleaning of what staff type in about the library and the rules."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from memberships.models import Location
from outreach.errors import BadTemplate
from outreach.gate.hours import zone_named
from outreach.gate.places import STATES, country_names
from outreach.models import CallingHours, Channel, Offer, OutreachPolicy, Play, Topic
from outreach.texts import text_checks, treatments, wording
from outreach.texts.fields import FIELDS, SAMPLE, field_names, fill, sms_size
from outreach.texts.normal import plain

MONEY = ("location_day", "play_month", "business_month")
# The rule about stops was made in 2025 and asks every business to keep it from the later day on
# (47 CFR 64.1200(a)(10) as postponed).
STOP_ENDS_ALL_FROM, STOP_ENDS_ALL_BY = date(2025, 1, 1), date(2027, 1, 31)
_TIME = forms.TimeInput(format="%H:%M", attrs={"type": "time"})
WEEKDAYS = [
    (1, _("Monday")), (2, _("Tuesday")), (3, _("Wednesday")), (4, _("Thursday")),
    (5, _("Friday")), (6, _("Saturday")), (7, _("Sunday")),
]  # fmt: skip


def place_choices() -> list[tuple[str, Any]]:
    """Countries and the states of the United States, to choose from."""
    states = [(f"US-{code}", name) for code, (name, *_rest) in STATES.items()]
    return [
        (str(_("United States")), [("US", _("United States, everywhere")), *states]),
        (str(_("Other countries")), [c for c in country_names().items() if c[0] != "US"]),
    ]


CAUSES = [
    ("usage_drop", _("comes less often")),
    ("no_visits", _("has stopped coming")),
    ("unused_benefits", _("leaves benefits unused")),
    ("payment", _("payment trouble")),
    ("card", _("card about to expire")),
    ("dissatisfaction", _("was not happy")),
    ("price", _("price")),
    ("renewal_near", _("renewal is near")),
    ("new_member", _("new member")),
    ("cancellations", _("cancels often")),
    ("season", _("time of the year")),
    ("left", _("has left")),
    ("other", _("other")),
]
# Not reasons of a score: a step of a sequence asks for such a text by its place.
PLACES = [
    ("follow_up", _("second message of a sequence")),
    ("last_word", _("last message of a sequence")),
]


class ResumeForm(forms.Form):
    reason = forms.CharField(label=_("Why may sending go on?"), max_length=200)
    password = forms.CharField(
        label=_("Your password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PromoteForm(ResumeForm):
    """Moving a play up: a reason and the password."""

    reason = forms.CharField(label=_("Why may it do more by itself?"), max_length=200)


class CloseBreakerForm(ResumeForm):
    """Letting held messages go on: a reason and the password."""

    reason = forms.CharField(label=_("Why may these messages go on?"), max_length=200)


class RuleForm(forms.Form):
    """A named rule of a play."""

    name = forms.CharField(label=_("Name"), max_length=80)
    percent = forms.IntegerField(
        label=_("Chance behind the score, at least (in 100)"), min_value=1, max_value=100,
        initial=85,
    )  # fmt: skip
    min_visits = forms.IntegerField(
        label=_("Visits, at least"), min_value=0, max_value=100, initial=2
    )
    visit_days = forms.IntegerField(
        label=_("in the last (days)"), min_value=1, max_value=365, initial=30
    )
    max_cost = forms.DecimalField(
        label=_("Offer may cost, at most"), min_value=0, decimal_places=2, max_digits=8, initial=0,
        help_text=_("0: only words, no offer that costs."),
    )  # fmt: skip

    def terms(self) -> dict[str, Any]:
        """The rule as AutomaticRule.terms(). Only for a valid form."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "min_p": data["percent"] / 100,
            "min_visits": data["min_visits"],
            "visit_days": data["visit_days"],
            "max_cost_cents": int(data["max_cost"] * 100),
        }


class OfferForm(forms.Form):
    """A new offer, or a new version of one."""

    name = forms.CharField(label=_("Name for staff"), max_length=100)
    kind = forms.ChoiceField(label=_("Kind"), choices=Offer.Kind.choices)
    wording = forms.CharField(
        label=_("How a message names it"),
        max_length=160,
        required=False,
        help_text=_("Such as: a complimentary upgrade on your next visit. Empty for words only."),
    )
    wording_es = forms.CharField(label=_("The same in Spanish"), max_length=160, required=False)
    percent = forms.IntegerField(
        label=_("Percent"), min_value=1, max_value=100, required=False,
        help_text=_("For a percentage off."),
    )  # fmt: skip
    amount = forms.DecimalField(
        label=_("Amount"), min_value=0, decimal_places=2, max_digits=8, required=False,
        help_text=_("For an amount off or a credit."),
    )  # fmt: skip
    cost = forms.DecimalField(
        label=_("What it costs us when taken up"), min_value=0, decimal_places=2, max_digits=8
    )
    paid_by_manufacturer = forms.BooleanField(
        label=_("A manufacturer pays for it"), required=False,
        help_text=_("Then it goes only to guests who authorised such offers in writing."),
    )  # fmt: skip
    causes = forms.MultipleChoiceField(
        label=_("Answers these reasons"), choices=CAUSES, required=False,
        widget=forms.CheckboxSelectMultiple, help_text=_("None: any reason."),
    )  # fmt: skip
    min_tenure_days = forms.IntegerField(
        label=_("Member for at least (days)"), min_value=0, max_value=3650, initial=0
    )
    again_after_days = forms.IntegerField(
        label=_("To the same person again after (days)"), min_value=0, max_value=3650, initial=180
    )
    valid_days = forms.IntegerField(
        label=_("Valid for (days)"), min_value=1, max_value=365, initial=30
    )
    rank = forms.IntegerField(
        label=_("Order"), min_value=1, max_value=99, initial=50,
        help_text=_("Among offers that fit, the lowest is tried first."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = data.get("kind")
        if kind == Offer.Kind.NONE and data.get("wording"):
            self.add_error("wording", _("Words only has no wording."))
        if kind != Offer.Kind.NONE and not data.get("wording"):
            self.add_error("wording", _("Say how a message names the offer."))
        if kind == Offer.Kind.PERCENT and not data.get("percent"):
            self.add_error("percent", _("Say how many percent."))
        if kind in (Offer.Kind.AMOUNT, Offer.Kind.CREDIT) and not data.get("amount"):
            self.add_error("amount", _("Say how much."))
        for name in ("wording", "wording_es"):
            text = data.get(name) or ""
            try:
                field_names(text)
            except BadTemplate as error:
                self.add_error(name, str(error))
            claim = wording.CLINICAL.search(plain(text))
            if claim:
                self.add_error(name, _("“%(word)s” makes a health claim.") % {"word": claim[0]})
        return data


class TemplateForm(forms.Form):
    """A new text, or the next version of one."""

    name = forms.CharField(label=_("Name for staff"), max_length=100)
    play = forms.ModelChoiceField(
        label=_("Play"),
        queryset=Play.objects.order_by("name"),
        required=False,
        empty_label=_("none: it answers a guest"),
    )
    topic = forms.ChoiceField(
        label=_("Answers a guest who"),
        choices=[("", _("–")), *Topic.choices],
        required=False,
        help_text=_("For answers only, without a play."),
    )
    cause = forms.ChoiceField(
        label=_("Answers the reason"),
        choices=[("", _("any reason")), *CAUSES, *PLACES],
        required=False,
    )
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    language = forms.ChoiceField(
        label=_("Language"), choices=[("en", _("English")), ("es", _("Spanish"))]
    )
    subject = forms.CharField(
        label=_("Subject (e-mail)"), max_length=120, required=False,
        widget=forms.TextInput(attrs={"data-phone-subject": "phone"}),
    )  # fmt: skip
    body = forms.CharField(
        label=_("Text"), max_length=5000,
        widget=forms.Textarea(attrs={"rows": 7, "data-phone": "phone"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("subject", "body"):
            self._clean_text(name, data.get(name) or "")
        body = data.get("body") or ""
        if bool(data.get("play")) == bool(data.get("topic")):
            self.add_error("topic", _("Choose a play, or what it answers; one of the two."))
        self._clean_answers(data, body)
        if data.get("topic"):
            data["cause"] = ""
            self._clean_length(data, body)
            return data
        by_field = data.get("channel") == Channel.EMAIL and "{way_out}" in body
        if body and not by_field and not text_checks.has_way_out(data.get("channel", ""), body):
            self.add_error("body", _("The way out is missing. Add: Reply STOP to opt out."))
        if body and "{business}" not in body:
            self.add_error("body", _("Name the sender: {business}."))
        if data.get("channel") == Channel.SMS:
            self._clean_treatments(body)
        if data.get("channel") == Channel.EMAIL and not data.get("subject"):
            self.add_error("subject", _("An e-mail needs a subject."))
        self._clean_length(data, body)
        return data

    def _clean_answers(self, data: dict[str, Any], body: str) -> None:
        if data.get("channel") == Channel.SMS and ("{reach_us}" in body or "{way_out}" in body):
            self.add_error("body", _("{reach_us} and {way_out} are for e-mails."))
        if text_checks.asks_in_vain(data.get("channel") or "", f"{data.get('subject')}\n{body}"):
            self.add_error(
                "body",
                _(
                    "Answers to e-mails are not read here. Write {reach_us} where the text asks "
                    "for one, and {way_out} where it says how to stop."
                ),
            )

    def _clean_length(self, data: dict[str, Any], body: str) -> None:
        if wording.TRAPS.search(plain(body)):
            self.add_error("body", _("The text asks for a word that means stop."))
        if data.get("channel") == Channel.SMS and body and not self.errors:
            size = sms_size(fill(body, SAMPLE))
            if size.parts > text_checks.MAX_SMS_PARTS:
                self.add_error("body", _("Too long: %(n)d SMS parts.") % {"n": size.parts})

    def _clean_treatments(self, body: str) -> None:
        """No treatment in a text message, named or filled in, unless the business allows it."""
        if OutreachPolicy.current().treatment_names_in_sms:
            return
        field = next((name for name in treatments.FIELDS if f"{{{name}}}" in body), "")
        found = field or treatments.named_in(body, treatments.catalogue_names())
        if found:
            self.add_error(
                "body",
                _(
                    "A text message may not name a treatment (%(found)s): others may read it. "
                    "Say “your visit”, or allow it under Settings, Writing to guests."
                )
                % {"found": found},
            )

    def _clean_text(self, name: str, text: str) -> None:
        try:
            field_names(text)
        except BadTemplate as error:
            self.add_error(name, str(error))
        claim = wording.CLINICAL.search(plain(text))
        if claim:
            self.add_error(name, _("“%(word)s” makes a health claim.") % {"word": claim[0]})


FIELD_HELP = [("{" + name + "}", words, SAMPLE[name]) for name, words in FIELDS.items()]


class CentsField(forms.DecimalField):
    """Money as people type it, kept as whole cents."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_digits=10, decimal_places=2, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return Decimal(value).scaleb(-2) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        amount: Decimal | None = super().clean(value)
        return None if amount is None else int(amount.scaleb(2))


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """The rules for writing to guests."""

    location_day_cents = CentsField(label=_("What offers at a location may cost in a day"))
    play_month_cents = CentsField(label=_("What the offers of a play may cost in a month"))
    business_month_cents = CentsField(label=_("What all offers together may cost in a month"))

    class Meta:
        model = OutreachPolicy
        fields = [
            "outgoing_minutes",
            "hold_minutes",
            "weekly_cap",
            "approval_hours",
            "quiet_from",
            "quiet_until",
            "treatment_names_in_sms",
            "four_eyes_on_edits",
            "location_day_cents",
            "play_month_cents",
            "business_month_cents",
            "stale_after_hours",
            "stop_ends_all_on",
        ]
        labels = {
            "outgoing_minutes": _("Minutes an approved message waits in Outgoing"),
            "hold_minutes": _("Minutes between two messages to one guest"),
            "weekly_cap": _("Messages to one guest in 7 days, at most"),
            "approval_hours": _("Hours an approval counts"),
            "quiet_from": _("Quiet from"),
            "quiet_until": _("Quiet until"),
            "treatment_names_in_sms": _("Text messages may name treatments"),
            "four_eyes_on_edits": _("Someone else approves text that was changed"),
            "stop_ends_all_on": _("From this day a stop ends every message"),
            "stale_after_hours": _("Data older than so many hours stops sending"),
        }
        help_texts = {
            "outgoing_minutes": _("Until then Undo and Cancel work."),
            "approval_hours": _("What could not leave for so long is decided anew."),
            "quiet_from": _("In the guest's own time."),
            "treatment_names_in_sms": _(
                "A text lies open on a locked screen. Without it, texts say “your visit”."
            ),
            "stop_ends_all_on": _(
                "Before it, a stop to an offer still lets notes about bookings through. The law "
                "asks for it from 31 January 2027; earlier is safer."
            ),
        }
        widgets = {
            "quiet_from": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
            "quiet_until": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
            "stop_ends_all_on": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        }

    LIMITS = {
        "outgoing_minutes": (0, 24 * 60),
        "hold_minutes": (1, 7 * 24 * 60),
        "weekly_cap": (1, 14),
        "approval_hours": (12, 14 * 24),
        "stale_after_hours": (1, 14 * 24),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = Location.objects.order_by("currency").values_list("currency", flat=True).distinct()
        currencies = list(known)
        self.fields["location_day_cents"].help_text = _(
            "In the currency of the location: %(currencies)s."
        ) % {"currencies": ", ".join(currencies) or "USD"}
        # Limits of a currency stay although its last location has gone.
        self.currencies = sorted({*currencies, *self.instance.limits_by_currency})
        if len(self.currencies) > 1:
            for name in ("play_month_cents", "business_month_cents"):
                self.fields[name].help_text = _(
                    "For each currency by itself; amounts of two currencies are never added."
                )
            for currency in self.currencies:
                self._add_currency(currency)

    def _add_currency(self, currency: str) -> None:
        """Three limits in a currency; empty ones are as for all."""
        own = self.instance.limits_by_currency.get(currency, {})
        for name in MONEY:
            self.fields[f"{name}_{currency}"] = CentsField(
                label=f"{self.fields[f'{name}_cents'].label} ({currency})",
                help_text=_("In %(currency)s. Empty: the number above.") % {"currency": currency},
                required=False,
                initial=own.get(name),
            )

    def _clean_currencies(self, data: dict[str, Any]) -> None:
        """The limits by currency out of their fields, each as nested as those for all."""
        if len(self.currencies) < 2:
            return
        found: dict[str, dict[str, int]] = {}
        for currency in self.currencies:
            typed = {name: data.pop(f"{name}_{currency}", None) for name in MONEY}
            own = {name: cents for name, cents in typed.items() if cents is not None}
            if own:
                found[currency] = own
                limits = {name: own.get(name, data.get(f"{name}_cents")) for name in MONEY}
                self._check_nested(limits, {name: f"{name}_{currency}" for name in MONEY})
        data["limits_by_currency"] = found

    def _check_nested(self, limits: dict[str, Any], fields: dict[str, str]) -> None:
        day, month, whole = (limits[name] for name in MONEY)
        if day is not None and whole is not None and day > whole:
            self.add_error(
                fields["location_day"],
                _("A day may not cost more than the business's month. Lower it, or raise that."),
            )
        if month is not None and whole is not None and month > whole:
            self.add_error(
                fields["play_month"],
                _("A play may not cost more than the business. Lower it or raise the other."),
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name, (least, most) in self.LIMITS.items():
            value = data.get(name)
            if value is not None and not least <= value <= most:
                self.add_error(name, _("Choose between %(a)d and %(b)d.") % {"a": least, "b": most})
        limits = {name: data.get(f"{name}_cents") for name in MONEY}
        self._check_nested(limits, {name: f"{name}_cents" for name in MONEY})
        self._clean_currencies(data)
        since = data.get("stop_ends_all_on")
        if since is not None and not STOP_ENDS_ALL_FROM <= since <= STOP_ENDS_ALL_BY:
            self.add_error(
                "stop_ends_all_on",
                _("Choose a day from %(first)s to %(last)s, from which the law asks for it.")
                % {
                    "first": date_format(STOP_ENDS_ALL_FROM, "j F Y"),
                    "last": date_format(STOP_ENDS_ALL_BY, "j F Y"),
                },
            )
        for name in ("quiet_from", "quiet_until"):
            if data.get(name) and data[name].second:
                self.add_error(name, _("Whole minutes, please."))
        if data.get("quiet_from") and data.get("quiet_from") == data.get("quiet_until"):
            self.add_error("quiet_until", _("Quiet hours need a beginning and an end."))
        return data


class CallingHoursForm(forms.Form):
    """The hours of one country or state on some days."""

    jurisdiction = forms.ChoiceField(label=_("Country or state"), choices=place_choices)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days"), coerce=int, choices=WEEKDAYS, widget=forms.CheckboxSelectMultiple,
        help_text=_("A day that no line of the place names is shut."),
    )  # fmt: skip
    opens = forms.TimeField(label=_("From"), widget=_TIME, help_text=_("On the guest's clock."))
    closes = forms.TimeField(label=_("Until"), widget=_TIME)
    marketing_only = forms.BooleanField(
        label=_("Only for offers and marketing; notes about a booking may leave"), required=False
    )
    also_zone = forms.CharField(
        label=_("A second clock that must agree"), max_length=60, required=False,
        help_text=_("Usually empty. A time zone such as America/Chicago."),
    )  # fmt: skip
    source = forms.CharField(
        label=_("Where this is written"), max_length=200,
        help_text=_("The law or who told you, so that it can be looked up."),
    )  # fmt: skip
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    @staticmethod
    def initial_of(row: CallingHours) -> dict[str, Any]:
        """What the form shows of a row."""
        return {name: getattr(row, name) for name in CallingHoursForm.base_fields}

    def clean_also_zone(self) -> str:
        name = str(self.cleaned_data["also_zone"])
        if name and zone_named(name) is None:
            raise forms.ValidationError(
                _("There is no time zone %(name)s. Write it like America/Chicago.") % {"name": name}
            )
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        opens, closes = data.get("opens"), data.get("closes")
        if opens and closes and closes <= opens:
            self.add_error(
                "closes", _("“Until” must be later than “From”; hours never run over midnight.")
            )
        for name in ("opens", "closes"):
            if data.get(name) and data[name].second:
                self.add_error(name, _("Whole minutes, please."))
        if data.get("weekdays"):
            data["weekdays"] = sorted(data["weekdays"])
        return data


class AuthorisationForm(forms.Form):
    """What the signed form says."""

    given_on = forms.DateField(
        label=_("Signed on"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    source = forms.CharField(
        label=_("Where the form is kept"), max_length=200,
        help_text=_("So that it can be shown: the guest's file, a folder, a number."),
    )  # fmt: skip
