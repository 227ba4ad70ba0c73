"""Scores of scikit-learn's HistGradientBoostingClassifier (250 trees of 15 leaves) on a table, 5-fold stratified."""
import csv
import json
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, average_precision_score, log_loss, recall_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

warnings.filterwarnings("ignore")
path, label = sys.argv[1:3]
with open(path, newline="") as file:
    rows = list(csv.DictReader(file))
y = np.array([row[label] == "yes" for row in rows]).astype(int)
columns, categorical = [], []
for name in [name for name in rows[0] if name != label]:
    values = [row[name] for row in rows]
    try:
        columns.append(np.array(values, dtype=float))
        categorical.append(False)
    except ValueError:
        columns.append(np.unique(values, return_inverse=True)[1].astype(float))
        categorical.append(True)
table = np.column_stack(columns)
scores = {"AUC_weighted": [], "log_loss": [], "average_precision_score_weighted": [], "accuracy": [], "norm_macro_recall": []}
started = time.perf_counter()
for train, test in StratifiedKFold(5, shuffle=True, random_state=1).split(table, y):
    model = HistGradientBoostingClassifier(
        max_iter=250, max_leaf_nodes=15, learning_rate=0.04, l2_regularization=1,
        categorical_features=categorical, early_stopping=False, random_state=0,
    ).fit(table[train], y[train])
    p = model.predict_proba(table[test])
    weights = np.bincount(y[test]) / len(test)
    predicted = p.argmax(axis=1)
    scores["AUC_weighted"].append(roc_auc_score(y[test], p[:, 1]))
    scores["log_loss"].append(log_loss(y[test], p))
    scores["average_precision_score_weighted"].append(
        sum(weights[k] * average_precision_score(y[test] == k, p[:, k]) for k in (0, 1))
    )
    scores["accuracy"].append(accuracy_score(y[test], predicted))
    scores["norm_macro_recall"].append(2 * recall_score(y[test], predicted, average="macro") - 1)
print(json.dumps({
    "name": f"scikit-learn {sklearn.__version__} HistGradientBoosting 250 × 15",
    "seconds": time.perf_counter() - started,
    "metrics": {name: float(np.mean(values)) for name, values in scores.items()},
}))
