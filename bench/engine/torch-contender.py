"""PyTorch's side of the engine's benchmark; one JSON object a line on stdout.

    torch-contender.py mlp|lenet|resnet18|efficientnet [--steps N] [--warmup N] [--serve]
    torch-contender.py mnist-job --data DIR [--seed S] [--epochs E]
    torch-contender.py blas-speed
    torch-contender.py verify [--fixtures DIR]

Needs Debian's python3-torch and libopenblas0-pthread: with the reference BLAS (libblas3 alone) the matrix products take
twenty times as long, which `versions.blas` shows and a line on stderr says. Threads come from the environment
(OMP_NUM_THREADS, OPENBLAS_NUM_THREADS, OMP_WAIT_POLICY). With `--serve`, a first line says {"ready": true}; then every
line "run N" on stdin is answered by {"milliseconds": [...]} of N training steps, so that a driver can alternate
contenders; the end of stdin is answered by the summary.
"""

import argparse
import gzip
import json
import os
import pathlib
import platform
import resource
import statistics
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

from torch_models import WORKLOADS, EfficientNet, mlp, parameter_count


def resident():
    with open("/proc/self/statm") as status:
        return int(status.read().split()[1]) * resource.getpagesize()


def peak():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def forget_peak():
    try:
        with open("/proc/self/clear_refs", "w") as refs:
            refs.write("5")
    except OSError:
        pass


def say(record):
    print(json.dumps(record), flush=True)


def blas():
    """File name of the library that multiplies matrices."""
    torch.mm(torch.ones(2, 2), torch.ones(2, 2))
    with open("/proc/self/maps") as maps:
        files = {line.split()[-1] for line in maps if "blas" in line}
    names = sorted({pathlib.Path(file).name for file in files})
    if names and not any("openblas" in name or "mkl" in name for name in names):
        print(
            f"torch-contender: matrix products need an optimised BLAS, but got {', '.join(names)}. "
            "Install libopenblas0-pthread; timings from here are worthless.",
            file=sys.stderr,
        )
    return ", ".join(names) or "unknown"


def about():
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_WAIT_POLICY", "OPENBLAS_CORETYPE")
    return {
        "versions": {
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "blas": blas(),
        },
        "threads": {"torch": torch.get_num_threads(), **{n: os.environ[n] for n in names if n in os.environ}},
    }


def memory(loaded):
    return {"peakMemoryMb": max(0, peak() - loaded) / 2**20, "peakResidentMb": peak() / 2**20}


class Training:
    """Steps on one fixed batch; everything between two calls of `step` is one step."""

    def __init__(self, name):
        create, shape, classes, optimizer = WORKLOADS[name]
        torch.manual_seed(0)
        self.x = torch.randn(*shape)
        self.y = torch.randint(0, classes, (shape[0],))
        forget_peak()
        self.loaded = resident()
        self.model = create().train()
        self.optimizer = optimizer(self.model.parameters())

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.model(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def time(self, count):
        samples = []
        for _ in range(count):
            start = time.perf_counter()
            self.step()
            samples.append((time.perf_counter() - start) * 1e3)
        return samples


def summary(name, training, samples):
    median = statistics.median(samples) if samples else None
    return {
        "id": name,
        "millisecondsMedian": median,
        "millisecondsMin": min(samples, default=None),
        "stepsPerSecond": 1e3 / median if median else None,
        "parameters": parameter_count(training.model),
        **memory(training.loaded),
        **about(),
        "milliseconds": [round(x, 4) for x in samples],
    }


def bench(name, args):
    training = Training(name)
    training.time(args.warmup)
    samples = []
    if args.serve:
        say({"ready": True, "id": name, **about()})
        for line in sys.stdin:
            words = line.split()
            if len(words) != 2 or words[0] != "run" or not words[1].isdigit():
                say({"error": f'serve: lines must be "run N", but got {line.strip()!r}. Close stdin to stop.'})
                continue
            times = training.time(int(words[1]))
            samples += times
            say({"milliseconds": times})
    else:
        samples = training.time(args.steps)
    say(summary(name, training, samples))


def read_idx(file):
    with gzip.open(file) as stream:
        data = stream.read()
    rank = data[3]
    shape = np.frombuffer(data, ">i4", rank, 4)
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape).copy())


def blas_speed(_):
    """GFLOP/s of a matrix product of middling size: tells whether OpenBLAS knows this processor."""
    a, b = torch.randn(512, 784), torch.randn(784, 512)
    seconds = []
    for _ in range(60):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    say({"id": "blas-speed", "gflops": 2 * 512 * 784 * 512 / statistics.median(seconds) / 1e9, **about()})


def mnist_job(args):
    """The lecture's job with its tensors in memory: shuffle, train, test after every epoch."""
    folder = pathlib.Path(args.data)
    sets = []
    for part in ("train", "t10k"):
        x = read_idx(folder / f"{part}-images-idx3-ubyte.gz").float().div(255).sub(0.1307).div(0.3081)
        sets.append((x.reshape(len(x), -1), read_idx(folder / f"{part}-labels-idx1-ubyte.gz").long()))
    (x, y), (test_x, test_y) = sets
    forget_peak()
    loaded = resident()
    torch.manual_seed(args.seed)
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
    epochs, begin = [], time.perf_counter()
    for epoch in range(1, args.epochs + 1):
        start, total = time.perf_counter(), 0.0
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            hits = sum(
                (model(a).argmax(1) == b).sum().item() for a, b in zip(test_x.split(1000), test_y.split(1000))
            )
        seconds = time.perf_counter() - start
        epochs.append(
            {"epoch": epoch, "trainLoss": total / len(x), "testAccuracy": hits / len(test_x), "seconds": seconds}
        )
    say(
        {
            "id": "mnist-job",
            "seed": args.seed,
            "testAccuracy": epochs[-1]["testAccuracy"],
            "totalSeconds": time.perf_counter() - begin,
            "epochs": epochs,
            **memory(loaded),
            **about(),
        }
    )


def verify(args):
    """The EfficientNet is the one it claims to be: its size, and its logits for known weights where they are given."""
    model = EfficientNet().eval()
    record = {"id": "verify", "parameters": parameter_count(model), "stateKeys": len(model.state_dict())}
    good = record["parameters"] == 4345732 and record["stateKeys"] == 360
    folder = pathlib.Path(args.fixtures)
    weights = folder / "tf_efficientnet_b0_random_state.pth"
    if weights.exists():
        model.load_state_dict(torch.load(weights))
        x = torch.from_numpy(np.load(folder / "input_2x3x128x128.npy"))
        with torch.no_grad():
            logits = model(x).numpy()
        record["logitsDifference"] = float(np.abs(logits - np.load(folder / "eval_logits_2x264.npy")).max())
        good = good and record["logitsDifference"] < 1e-4
    else:
        record["logits"] = f"not compared: {weights} is absent"
    say({**record, "pass": good})
    sys.exit(0 if good else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    for name in WORKLOADS:
        part = parts.add_parser(name)
        small = name in ("mlp", "lenet")
        part.add_argument("--steps", type=int, default=300 if small else 10)
        part.add_argument("--warmup", type=int, default=30 if small else 2)
        part.add_argument("--serve", action="store_true")
        part.set_defaults(run=lambda args: bench(args.part, args))
    job = parts.add_parser("mnist-job")
    job.add_argument("--data", required=True)
    job.add_argument("--seed", type=int, default=0)
    job.add_argument("--epochs", type=int, default=10)
    job.set_defaults(run=mnist_job)
    parts.add_parser("blas-speed").set_defaults(run=blas_speed)
    check = parts.add_parser("verify")
    check.add_argument("--fixtures", default="../shared/fixtures/effnet")
    check.set_defaults(run=verify)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
