"""What gives scores, in words: what was learned and when. The name itself is for the records."""

from __future__ import annotations

import re
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

# As `services.lifecycle` names them: churn-additive-2026-11-21-2.
_NAME = re.compile(r"(churn|cancellation)-(\w+)-(\d{4}-\d\d-\d\d)-(\d+)")


def in_words(name: str) -> str:
    """A name of `ModelVersion` as it stands within a sentence, several with commas; a name of
    another make as it is."""
    return ", ".join(_one(part) for part in name.split(", "))


def _one(name: str) -> str:
    known = _NAME.fullmatch(name)
    if known is None:
        return name
    target, kind, day, nth = known.groups()
    what = _("members") if target == "churn" else _("bookings")
    if kind == "scorecard":
        return _("the scoring of %(what)s by general experience") % {"what": what}
    said = _("the scoring of %(what)s learned on %(day)s") % {
        "what": what,
        "day": date_format(date.fromisoformat(day), "D j M Y"),
    }
    return said if nth == "1" else _("%(said)s (no. %(n)s of that day)") % {"said": said, "n": nth}
