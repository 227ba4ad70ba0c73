"""One timed XGBoost fit for boosting.js: FILE ROWS WIDTH THREADS -> one line of JSON."""

import json
import resource
import sys
import time

import numpy as np
import xgboost

file = sys.argv[1]
rows, width, threads = (int(value) for value in sys.argv[2:5])
X = np.empty((rows, width), np.float32)
for j in range(width):
    X[:, j] = np.fromfile(file, np.float32, rows, offset=4 * j * rows)
y = np.fromfile(file, np.float32, rows, offset=4 * width * rows)


def resident():
    with open("/proc/self/statm") as status:
        return int(status.read().split()[1]) * resource.getpagesize()


def peak():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


try:
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
except OSError:
    pass
loaded = resident()
start = time.perf_counter()
before = time.process_time()
model = xgboost.XGBClassifier(
    n_estimators=100,
    max_leaves=31,
    max_depth=0,
    grow_policy="lossguide",
    tree_method="hist",
    learning_rate=0.1,
    max_bin=255,
    n_jobs=threads,
)
model.fit(X, y)
seconds = time.perf_counter() - start
cpu = time.process_time() - before
extra = max(0, peak() - loaded) / 2**20
p = model.predict_proba(X)[:, 1]
loss = -np.mean(np.log(np.maximum(1e-15, np.where(y == 1, p, 1 - p))))
print(json.dumps({"seconds": seconds, "cpuSeconds": cpu, "extraMegabytes": extra, "loss": float(loss)}))
