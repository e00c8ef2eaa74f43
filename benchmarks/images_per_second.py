"""Images per second on traffic signs against `model.fit`: `images_per_second.py data=DIR/gtsrb.npz [epochs=5]`.

The ablation's four arms, one seed each, from the first process to the last result: ours on as many one-thread workers
as there are cores, as a study runs it, and `fit` in one process with all cores, one arm after another, as it comes. An
epoch trains on all training images and evaluates all test images; building and tracing count. `images=N` takes the
first N training images and the same share of the test images.

Then what dropout after each activation costs, ours and Keras's own in our engine, from the epochs after the first.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from sign_training import FIT, KERAS_LAYER, OURS, Job, Measurement, measure

from search.backends import start_worker
from search.executors import LocalExecutor

ARMS = ("original", "dropout1", "dropout2", "dropout3")


def start_plain() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def peak(size: int) -> float:
    """Return the most GFLOP/s of ten products of two (size, size) float32 matrices, in this process."""
    import tensorflow as tf

    matrix, seconds = tf.random.uniform((size, size)), []
    for _ in range(10):
        started = time.perf_counter()
        tf.linalg.matmul(matrix, matrix).numpy()
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds) / 1e9


def measure_each(jobs: Sequence[Job]) -> list[Measurement]:
    return [measure(job) for job in jobs]


def timed(workers: int, start: Callable[[], None], tasks: Sequence[tuple[Job, ...]]) -> tuple[float, list[Measurement]]:
    """Return the wall time of `tasks` on fresh workers, from their start on, and what was measured in each."""
    started = time.perf_counter()
    executor = LocalExecutor(workers, len(ARMS), start, lambda _: None)
    try:
        futures: list[Future[list[Measurement]]] = [executor.submit(measure_each, task) for task in tasks]
        measured = [one for future in futures for one in future.result()]
        return time.perf_counter() - started, measured
    finally:
        executor.shutdown(cancel_futures=True)


def main() -> None:
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    if not Path(given.get("data", "")).is_file():
        sys.exit("`data=DIR/gtsrb.npz` must name a file; a study with dataset=gtsrb dataset.dir=DIR makes it.")
    images, epochs = int(given["images"]) if "images" in given else None, int(given.get("epochs", 5))

    def job(side: str, arm: str) -> Job:
        return Job(side, arm, given["data"], epochs, images)

    cores = len(os.sched_getaffinity(0))
    executor = LocalExecutor(1, 1, start_worker, lambda _: None)
    top = executor.submit(peak, 2048).result()
    executor.shutdown()
    print(f"float32 matrix product on one thread: {top:.0f} GFLOP/s", flush=True)
    ours_seconds, ours = timed(cores, start_worker, [(job(OURS, arm),) for arm in ARMS])
    fit_seconds, fit = timed(1, start_plain, [tuple(job(FIT, arm) for arm in ARMS)])
    trained = ours[0].n_train * (epochs + 1) * len(ARMS)
    for name, seconds, each in (("ours", ours_seconds, ours), ("fit", fit_seconds, fit)):
        print(f"{name}: {trained / seconds:,.0f} images/s, {seconds:.1f} s in all")
        for arm, one in zip(ARMS, each, strict=True):
            print(f"  {arm}: {one}")
    print(f"{fit_seconds / ours_seconds:.2f} times the images/s of fit (goal 1.6)")
    speed = sum(one.flop for one in ours) / sum(one.seconds for one in ours) / 1e9
    print(f"each worker computes at {100 * speed / top:.0f}% of the matrix product's speed", flush=True)
    # Side by side, so that both see the same machine.
    _, (control, keras_layer) = timed(2, start_worker, [(job(OURS, "original"),), (job(KERAS_LAYER, "dropout3"),)])
    _, (control_again, own) = timed(2, start_worker, [(job(OURS, "original"),), (job(OURS, "dropout3"),)])
    print(
        f"dropout after each activation: {own.seconds / control_again.seconds:.2f} times the original's time (goal 1.3)"
    )
    print(f"  with Keras's own layer: {keras_layer.seconds / control.seconds:.2f} times")


if __name__ == "__main__":
    main()
