"""The models the engine is measured against: one fixed setting each, nothing tuned anywhere.

Each gets the training rows' inputs as plain columns (NaN: not known) and answers with a function
from columns to probabilities. Categories go to each library in the way it wants them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from risk.engine.declaration import Input

Floats = npt.NDArray[np.float64]
Predict = Callable[[dict[str, Floats]], Floats]
Fit = Callable[[Sequence[Input], dict[str, Floats], Floats], Predict]

SEED = 7
MOST_LEVELS = 255  # what scikit-learn's trees take


def base_rate(inputs: Sequence[Input], columns: dict[str, Floats], truth: Floats) -> Predict:
    rate = float(truth.mean())
    return lambda new: np.full(len(next(iter(new.values()))), rate)


def logistic(inputs: Sequence[Input], columns: dict[str, Floats], truth: Floats) -> Predict:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    return _linear(numbers, inputs, columns, truth)


def logistic_splines(inputs: Sequence[Input], columns: dict[str, Floats], truth: Floats) -> Predict:
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
        SplineTransformer(n_knots=6, degree=3, knots="quantile", extrapolation="constant"),
        StandardScaler(),
    )
    return _linear(numbers, inputs, columns, truth)


def _linear(
    numbers: Pipeline, inputs: Sequence[Input], columns: dict[str, Floats], truth: Floats
) -> Predict:
    names, categories = _split(inputs)
    frame = _frame(inputs, columns)
    known = [name for name in names if frame[name].notna().any()]
    model = make_pipeline(
        ColumnTransformer(
            [
                ("numbers", numbers, known),
                (
                    "categories",
                    OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20),
                    categories,
                ),
            ]
        ),
        LogisticRegression(C=0.1, max_iter=2000),
    ).fit(frame, truth)
    return lambda new: np.asarray(model.predict_proba(_frame(inputs, new))[:, 1])


def histgb(**setting: Any) -> Fit:
    def fit(inputs: Sequence[Input], columns: dict[str, Floats], truth: Floats) -> Predict:
        few = [
            one.kind == "category" and np.nanmax(columns[one.name], initial=0) < MOST_LEVELS
            for one in inputs
        ]
        model = HistGradientBoostingClassifier(
            categorical_features=few, early_stopping=False, random_state=SEED, **setting
        ).fit(_matrix(inputs, columns), truth)
        return lambda new: np.asarray(model.predict_proba(_matrix(inputs, new))[:, 1])

    return fit


def lightgbm(*, rounds: int, **setting: Any) -> Fit:
    def fit(inputs: Sequence[Input], columns: dict[str, Floats], truth: Floats) -> Predict:
        import lightgbm

        data = lightgbm.Dataset(
            _matrix(inputs, columns),
            truth,
            categorical_feature=[
                place for place, one in enumerate(inputs) if one.kind == "category"
            ],
        )
        fixed = {"objective": "binary", "num_threads": 1, "seed": SEED, "verbosity": -1}
        booster = lightgbm.train({**fixed, **setting}, data, num_boost_round=rounds)
        return lambda new: np.asarray(booster.predict(_matrix(inputs, new)))

    return fit


def xgboost(inputs: Sequence[Input], columns: dict[str, Floats], truth: Floats) -> Predict:
    import xgboost

    kinds = ["c" if one.kind == "category" else "q" for one in inputs]

    def data(values: dict[str, Floats], label: Floats | None = None) -> Any:
        return xgboost.DMatrix(
            _matrix(inputs, values), label=label, feature_types=kinds, enable_categorical=True
        )

    booster = xgboost.train(
        {
            "objective": "binary:logistic",
            "max_depth": 4,
            "eta": 0.05,
            "subsample": 0.8,
            "colsample_bytree": 0.8,
            "tree_method": "hist",
            "nthread": 1,
            "seed": SEED,
        },
        data(columns, truth),
        num_boost_round=200,
    )
    return lambda new: np.asarray(booster.predict(data(new)), dtype=np.float64)


def catboost(inputs: Sequence[Input], columns: dict[str, Floats], truth: Floats) -> Predict:
    import catboost

    names = [one.name for one in inputs if one.kind == "category"]

    def frame(values: dict[str, Floats]) -> pd.DataFrame:
        made = pd.DataFrame({one.name: values[one.name] for one in inputs})
        for name in names:
            made[name] = made[name].fillna(-1).astype(int).astype(str)
        return made

    model = catboost.CatBoostClassifier(
        iterations=300,
        learning_rate=0.08,
        depth=6,
        boosting_type="Plain",
        max_ctr_complexity=1,  # pairs of categories took minutes and gained nothing
        cat_features=names,
        random_seed=SEED,
        thread_count=1,
        verbose=False,
        allow_writing_files=False,
    ).fit(frame(columns), truth)
    return lambda new: np.asarray(model.predict_proba(frame(new))[:, 1])


def _split(inputs: Sequence[Input]) -> tuple[list[str], list[str]]:
    return (
        [one.name for one in inputs if one.kind == "number"],
        [one.name for one in inputs if one.kind == "category"],
    )


def _matrix(inputs: Sequence[Input], columns: dict[str, Floats]) -> Floats:
    return np.column_stack([columns[one.name] for one in inputs])


def _frame(inputs: Sequence[Input], columns: dict[str, Floats]) -> pd.DataFrame:
    return pd.DataFrame({one.name: columns[one.name] for one in inputs})


RIVALS: dict[str, tuple[str, Fit]] = {
    "base rate": ("sklearn", base_rate),
    "logistic": ("sklearn", logistic),
    "logistic + splines": ("sklearn", logistic_splines),
    "HistGradientBoosting": (
        "sklearn",
        histgb(max_iter=300, max_leaf_nodes=31, learning_rate=0.05),
    ),
    "HistGradientBoosting, small": (
        "sklearn",
        histgb(max_iter=120, max_leaf_nodes=8, learning_rate=0.06, min_samples_leaf=40),
    ),
    "LightGBM": ("lightgbm", lightgbm(rounds=300, num_leaves=31, learning_rate=0.05)),
    "LightGBM, small": (
        "lightgbm",
        lightgbm(rounds=200, num_leaves=8, learning_rate=0.05, min_data_in_leaf=100),
    ),
    "XGBoost": ("xgboost", xgboost),
    "CatBoost": ("catboost", catboost),
}


def missing() -> list[str]:
    """The libraries that are not installed."""
    wanted = dict.fromkeys(library for library, _ in RIVALS.values())
    return [library for library in wanted if importlib.util.find_spec(library) is None]
