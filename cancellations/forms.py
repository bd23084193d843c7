"""Shape of what the call pages send. No writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from cancellations.models import Call, CallRules
from cancellations.services.calls import LOGGABLE


class InstantField(forms.Field):
    """An aware instant in ISO format, as the buttons of the page send it."""

    default_error_messages = {"invalid": _("Choose one of the times.")}

    def to_python(self, value: Any) -> datetime | None:
        if not value:
            return None
        try:
            at = parse_datetime(str(value))
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return at.astimezone(UTC)


class OutcomeForm(forms.Form):
    """One outcome of one call. A time of its own means "call back"."""

    version = forms.IntegerField()
    outcome = forms.ChoiceField(
        choices=[(one, Call.Outcome(one).label) for one in LOGGABLE],
        error_messages={"required": _("Choose what came of the call.")},
        required=False,
    )
    call_back_at = InstantField(required=False)
    note = forms.CharField(max_length=500, required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("call_back_at"):
            data["outcome"] = Call.Outcome.CALL_BACK
        if not data.get("outcome") and "outcome" not in self.errors:
            self.add_error("outcome", str(self.fields["outcome"].error_messages["required"]))
        return data


class VersionForm(forms.Form):
    """A change to the row as it was seen."""

    version = forms.IntegerField()
    note = forms.CharField(max_length=500, required=False)


class AskForm(forms.Form):
    """Guests to be called: one or many, or one for a booking."""

    guest = forms.TypedMultipleChoiceField(coerce=int, choices=(), required=False)
    appointment = forms.IntegerField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = self.data.getlist("guest") if hasattr(self.data, "getlist") else []
        chosen: Any = self.fields["guest"]
        chosen.choices = [(one, one) for one in given if one.isdecimal() and len(one) < 19]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not data.get("guest") and not data.get("appointment"):
            raise forms.ValidationError(_("Choose whom to call."))
        return data


class CallRulesForm(forms.ModelForm):  # type: ignore[type-arg]
    """The rules of the call lists, as the settings page shows them."""

    class Meta:
        model = CallRules
        fields = [
            "rows_per_day",
            "extra_rows",
            "days_ahead",
            "quiet_days",
            "tries_per_day",
            "again_after_minutes",
        ]
        labels = {
            "rows_per_day": _("Rows on a day's list"),
            "extra_rows": _("Rows that may be added during the day"),
            "days_ahead": _("Days ahead to look for shaky bookings"),
            "quiet_days": _("Days a member is left alone after being reached"),
            "tries_per_day": _("Tries in a day when nobody answers"),
            "again_after_minutes": _("Minutes until the next try"),
        }
        help_texts = {
            "rows_per_day": _("Per location. Rows a colleague asks for come on top."),
            "again_after_minutes": _("Never less than 60."),
        }
