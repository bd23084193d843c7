"""Shape and cleaning of what staff type in about the steps of a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from outreach.forms import CAUSES, PLACES
from outreach.models import Channel, Play, Step
from outreach.models.sequences import LEAVE_RULES, MOST_STEPS
from outreach.sequences.steps import StepLine

NOTHING, OFFER, WORDS, CALL = "", "offer", "words", "call"
DOES = [
    (OFFER, _("a message with an offer")),
    (WORDS, _("a message, words only")),
    (CALL, _("a call by the desk")),
]
LONGEST_DAYS = 90


class StepsForm(forms.Form):
    """Up to six steps of a play, numbered by their order; a line that does nothing is left out."""

    leaves_on = forms.MultipleChoiceField(
        label=_("Ends early, beside an answer or a stop, when the guest"),
        choices=[(rule.value, rule.label) for rule in LEAVE_RULES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    choose_time = forms.BooleanField(
        label=_("Messages leave in the hour in which the guest usually answers"), required=False
    )

    def __init__(self, data: Any = None, *, play: Play) -> None:
        steps = {step.number: step for step in play.steps.all()}
        super().__init__(
            data, initial={"leaves_on": play.leaves_on, "choose_time": play.choose_time}
        )
        for number in range(1, MOST_STEPS + 1):
            self._add_line(number, steps.get(number))

    def _add_line(self, number: int, step: Step | None) -> None:
        is_first = number == 1
        does = [choice for choice in DOES if not (is_first and choice[0] == CALL)]
        self.fields[f"does_{number}"] = forms.ChoiceField(
            label=_("What happens"),
            choices=does if is_first else [(NOTHING, _("no such step")), *does],
            required=is_first,
            initial=_does(step) if step else OFFER if is_first else NOTHING,
        )
        if not is_first:
            hours = step.wait_hours if step else 0
            self.fields[f"days_{number}"] = forms.IntegerField(
                label=_("Days after the step before"), min_value=0, max_value=LONGEST_DAYS,
                required=False, initial=hours // 24,
            )  # fmt: skip
            self.fields[f"hours_{number}"] = forms.IntegerField(
                label=_("and hours"), min_value=0, max_value=23, required=False,
                initial=hours % 24,
            )  # fmt: skip
        self.fields[f"cause_{number}"] = forms.ChoiceField(
            label=_("Texts for"),
            choices=[("", _("the guest's own reason")), *PLACES, *CAUSES],
            required=False,
            initial=step.cause if step else "",
        )
        self.fields[f"channel_{number}"] = forms.ChoiceField(
            label=_("Preferably by"),
            choices=[("", _("whatever reaches the guest")), *Channel.choices],
            required=False,
            initial=step.channel if step else "",
        )
        if not is_first:
            self.fields[f"note_{number}"] = forms.CharField(
                label=_("For a call: what it is about"), max_length=200, required=False,
                initial=step.note if step else "",
            )  # fmt: skip
            self.fields[f"off_{number}"] = forms.BooleanField(
                label=_("Passed over for now"), required=False,
                initial=step is not None and not step.is_active,
            )  # fmt: skip

    def sets(self) -> Iterator[tuple[int, list[forms.BoundField], bool]]:
        """Number and fields of each step, and whether the play has it, for the page."""
        for number in range(1, MOST_STEPS + 1):
            fields = [self[name] for name in self.fields if name.endswith(f"_{number}")]
            yield number, fields, bool(self[f"does_{number}"].value())

    def rules(self) -> list[forms.BoundField]:
        """The fields of the play as a whole."""
        return [self["leaves_on"], self["choose_time"]]

    def lines(self) -> list[StepLine]:
        """The steps as typed in, in order."""
        data = self.cleaned_data
        found = []
        for number in range(1, MOST_STEPS + 1):
            does = data.get(f"does_{number}")
            if not does:
                continue
            days, hours = data.get(f"days_{number}") or 0, data.get(f"hours_{number}") or 0
            is_call = does == CALL
            found.append(
                StepLine(
                    wait_hours=24 * days + hours,
                    is_call=is_call,
                    with_offer=does == OFFER,
                    channel="" if is_call else data[f"channel_{number}"],
                    cause="" if is_call else data[f"cause_{number}"],
                    note=(data.get(f"note_{number}") or "").strip() if is_call else "",
                    is_active=not data.get(f"off_{number}"),
                )
            )
        return found


def _does(step: Step) -> str:
    if step.is_call:
        return CALL
    return OFFER if step.with_offer else WORDS
