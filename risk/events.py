"""What the risk engine writes to the ledger, in the words of the activity page."""

from __future__ import annotations

SCORE_RUN = "score.run"
MODEL_TRAINED = "model.trained"
MODEL_SERVES = "model.serves"
MODEL_REFUSED = "model.refused"
THRESHOLDS_CHANGED = "thresholds.changed"
UPLIFT_ESTIMATED = "uplift.estimated"

SENTENCES = {
    SCORE_RUN: "{actor} scored {scored} {what} as of {as_of} with {model}",
    MODEL_TRAINED: "{actor} trained {model} on {rows} past cases: {verdict}",
    MODEL_SERVES: "{actor} put {model} to work",
    MODEL_REFUSED: "{actor} refused {model}: its signature does not fit its content",
    THRESHOLDS_CHANGED: "{actor} set the bands of {what}: {bands}",
    UPLIFT_ESTIMATED: "{actor} measured what {play} changes, as of {as_of}: {verdict}",
}
