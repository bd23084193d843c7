"""What the risk engine writes to the ledger, in the words of the activity page."""

from __future__ import annotations

SCORE_RUN = "score.run"
MODEL_TRAINED = "model.trained"
MODEL_SERVES = "model.serves"
MODEL_REFUSED = "model.refused"
MODEL_PROVED = "model.proved"
MODEL_ARCHIVED = "model.archived"
DRIFT_RAISED = "drift.raised"
DRIFT_CLEARED = "drift.cleared"
THRESHOLDS_CHANGED = "thresholds.changed"
UPLIFT_ESTIMATED = "uplift.estimated"
INPUT_EXCLUDED = "input.excluded"
INPUT_INCLUDED = "input.included"

SENTENCES = {
    SCORE_RUN: "{actor} scored {scored} {what} as of {as_of} with {model}",
    MODEL_TRAINED: "{actor} trained {model} on {rows} past cases: {verdict}",
    MODEL_SERVES: "{actor} put {model} to work",
    MODEL_REFUSED: "{actor} refused {model}: {why}",
    MODEL_PROVED: "{actor} put {model} to work: better than {before} on {n} cases it had shadowed",
    MODEL_ARCHIVED: "{actor} dropped the tables of {model}",
    DRIFT_RAISED: "{actor} raised an alarm about {what}. {sentence}",
    DRIFT_CLEARED: "{actor} cleared the alarm about {what}. {sentence}",
    THRESHOLDS_CHANGED: "{actor} set the bands of {what}: {bands}",
    UPLIFT_ESTIMATED: "{actor} measured what {play} changes, as of {as_of}: {verdict}",
    INPUT_EXCLUDED: "{actor} left {input} out of the scores {whose} ({what}): {reason}",
    INPUT_INCLUDED: "{actor} let {input} count again in the scores {whose} ({what})",
}
