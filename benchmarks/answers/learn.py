"""Learn the weights of `outreach.reading.suspicion` and say how well unseen wordings are heard.

`python -m benchmarks.answers.learn` leaves whole families of sentences out in turn and prints what
the rules, the net and both hear of them; with `--write` it learns from all sentences and writes
`outreach/reading/suspicion.json` and its digest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from benchmarks.answers.examples import Example, by_hand, made, mistyped

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "outreach" / "reading" / "suspicion.json"
STRENGTH = 0.05  # inverse of the penalty: chosen by families left out
LEAST_SEEN = 3  # sentences a feature must stand in
LEAST_WEIGHT = 0.012
MADE_COUNTS = 0.3  # a sentence from a pattern, or a mistyped copy, beside one written by hand
FOLDS = 10
ALARMS = 0.03  # share of unseen harmless sentences the net may add


def learn(examples: list[Example], weight: NDArray[np.float64]) -> tuple[dict[str, float], float]:
    """Weights by feature, and the bias."""
    from outreach.reading import suspicion

    seen = [suspicion.features(suspicion.said(one.text)) for one in examples]
    often = Counter(feature for features in seen for feature in features)
    place = {f: n for n, f in enumerate(sorted(f for f, c in often.items() if c >= LEAST_SEEN))}
    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for features in seen:
        known = [place[f] for f in features if f in place]
        columns += known
        values += [suspicion.share(features)] * len(known)
        ends.append(len(columns))
    matrix = csr_matrix((values, columns, ends), shape=(len(seen), len(place)))
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", solver="liblinear")
    model.fit(matrix, [one.stops for one in examples], sample_weight=weight)
    kept = {
        feature: round(float(w), 4)
        for feature, w in zip(place, model.coef_[0], strict=True)
        if abs(w) >= LEAST_WEIGHT
    }
    return kept, round(float(model.intercept_[0]), 4)


def weighed(
    hand: list[Example], patterns: list[Example]
) -> tuple[list[Example], NDArray[np.float64]]:
    """Everything to learn from, with how much each sentence counts."""
    more = [*patterns, *mistyped(hand)]
    return [*hand, *more], np.r_[np.ones(len(hand)), np.full(len(more), MADE_COUNTS)]


def known_words(hand: list[Example], patterns: list[Example]) -> set[str]:
    """Every word of the sentences."""
    from outreach.reading import suspicion

    return {w for o in [*hand, *patterns] for w in suspicion.words(suspicion.said(o.text))}


def left_out(hand: list[Example], patterns: list[Example]) -> NDArray[np.float64]:
    """The score of each sentence by a net that never saw its family."""
    from outreach.reading import suspicion

    families = sorted({one.family for one in hand})
    random.Random(3).shuffle(families)
    fold = {family: n % FOLDS for n, family in enumerate(families)}
    scores = np.zeros(len(hand))
    for k in range(FOLDS):
        weights, bias = learn(*weighed([o for o in hand if fold[o.family] != k], patterns))
        for n, one in enumerate(hand):
            if fold[one.family] == k:
                scores[n] = suspicion.score(suspicion.said(one.text), weights, bias)
    return scores


def strangers(hand: list[Example]) -> NDArray[np.bool_]:
    """Which sentences are taken for another language by who knows the words of other families."""
    from outreach.reading import suspicion

    where: dict[str, set[str]] = {}
    for one in hand:
        for word in suspicion.words(suspicion.said(one.text)):
            where.setdefault(word, set()).add(one.family)
    return np.array(
        [
            suspicion.unknown_words(
                one.text,
                {w for w in suspicion.words(suspicion.said(one.text)) if where[w] - {one.family}},
            )
            for one in hand
        ]
    )


def report(name: str, flagged: NDArray[np.bool_], stops: NDArray[np.bool_]) -> None:
    heard, false = flagged[stops].mean(), flagged[~stops].mean()
    print(
        f"{name:<34} heard {heard:6.1%} of {stops.sum()}   false {false:5.1%} of {(~stops).sum()}"
    )


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    warnings.simplefilter("ignore")
    import django

    django.setup()
    from audit import fence

    fence.work_for_the_system()
    from outreach.reading import intents, suspicion

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    hand, patterns = by_hand(), made()
    stops = np.array([one.stops for one in hand])
    scores = left_out(hand, patterns)
    limit = float(np.quantile(scores[~stops], 1 - ALARMS))
    rules = np.array([intents.by_rule(one.text).suppresses for one in hand])
    print(f"{len(hand)} sentences by hand, {len(patterns)} from patterns; limit {limit:.2f}")
    report("rules (tuned with these)", rules, stops)
    report("net, families left out", scores > limit, stops)
    report("both", rules | (scores > limit), stops)
    foreign = strangers(hand)
    report("taken for another language", foreign, stops)
    report("rules, net, language", rules | (scores > limit) | foreign, stops)
    missed = (scores > limit)[stops & ~rules]
    print(f"of the stops the rules miss the net hears {missed.mean() if len(missed) else 1:.1%}")
    for share in (0.005, 0.01, 0.02, 0.03, 0.05, 0.08):
        edge = np.quantile(scores[~stops], 1 - share)
        report(f"  both, net adding {share:.1%}", rules | (scores > edge), stops)
    if not options.write:
        return
    weights, bias = learn(*weighed(hand, patterns))
    text = json.dumps(
        {
            "limit": round(limit, 2),
            "bias": bias,
            "known": " ".join(sorted(known_words(hand, patterns))),
            "weights": dict(sorted(weights.items())),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).replace(',"', ',\n"')
    WEIGHTS.write_text(text + "\n")
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    module = Path(suspicion.__file__)
    module.write_text(re.sub(r'DIGEST = "\w*"', f'DIGEST = "{digest}"', module.read_text()))
    print(f"{len(weights)} weights, {WEIGHTS.stat().st_size // 1024} kB, {digest}")


if __name__ == "__main__":
    main()
