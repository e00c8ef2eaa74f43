"""Images per second on traffic signs, our engine against `model.fit`: `images_per_second.py data=DIR/gtsrb.npz`.

Optional: `epochs=5` that are timed, and `images=N` for the first N training images and the same share of the test
images. Every measurement has a process of its own with one TensorFlow thread; arms and sides take turns. An epoch
trains on all training images and then evaluates all test images. One more comes first, in which the model is built and
traced: rates leave it out, and a ratio that counts it is printed beside. Ratios of CPU time are for machines that are
busy with something else too. Dropout after each activation is ours, and Keras's own in our engine.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sign_training import FIT, KERAS_LAYER, OURS, Job, Measurement, measure

from search.executors import LocalExecutor
from search.trial import start_worker

ARMS = ("original", "dropout1", "dropout2", "dropout3")
CONTROL, AFTER_ACTIVATION = "original", "dropout3"

Measurements = dict[tuple[str, str], Measurement]
"""By side and arm."""


def peak(size: int) -> float:
    """Return the most GFLOP/s of ten products of two (size, size) float32 matrices, in this process."""
    import tensorflow as tf

    matrix, seconds = tf.random.uniform((size, size)), []
    for _ in range(10):
        started = time.perf_counter()
        tf.linalg.matmul(matrix, matrix).numpy()
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds) / 1e9


def times(slow: Sequence[Measurement], fast: Sequence[Measurement]) -> str:
    """Return how many times as long the `slow` ones took."""
    wall = sum(one.seconds for one in slow) / sum(one.seconds for one in fast)
    cpu = sum(one.cpu_seconds for one in slow) / sum(one.cpu_seconds for one in fast)
    return f"{wall:.2f} times (CPU time: {cpu:.2f})"


def measure_all(executor: LocalExecutor, data: str, epochs: int, images: int | None) -> Measurements:
    took: Measurements = {}
    for arm in ARMS:
        for side in (OURS, FIT, KERAS_LAYER) if arm == AFTER_ACTIVATION else (OURS, FIT):
            took[side, arm] = executor.submit(measure, Job(side, arm, data, epochs, images)).result()
            print(f"{arm}, {side}: {took[side, arm]}", flush=True)
        print(f"{arm}: {times([took[FIT, arm]], [took[OURS, arm]])} the images/s of fit", flush=True)
    return took


def report(took: Measurements, top: float) -> None:
    ours, fit = ([took[side, arm] for arm in ARMS] for side in (OURS, FIT))
    speed = sum(one.flop for one in ours) / sum(one.seconds for one in ours) / 1e9
    traced = sum(one.seconds_with_tracing for one in fit) / sum(one.seconds_with_tracing for one in ours)
    print(f"all arms: {times(fit, ours)} the images/s of fit (goal 1.6); {traced:.2f} with building and tracing")
    print(f"ours computes at {100 * speed / top:.0f}% of the matrix product's speed")
    control, dropped = took[OURS, CONTROL], took[OURS, AFTER_ACTIVATION]
    print(f"dropout after each activation takes {times([dropped], [control])} the original's time (goal 1.3)")
    print(f"  with Keras's layer in our engine {times([took[KERAS_LAYER, AFTER_ACTIVATION]], [control])}")
    print(f"  in fit {times([took[FIT, AFTER_ACTIVATION]], [took[FIT, CONTROL]])}")


def main() -> None:
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    if not Path(given.get("data", "")).is_file():
        sys.exit("`data=DIR/gtsrb.npz` must name a file; a study with dataset=gtsrb dataset.dir=DIR makes it.")
    images = int(given["images"]) if "images" in given else None
    # One task per worker: a fresh process each.
    executor = LocalExecutor(1, 1, start_worker, lambda _: None)
    try:
        top = executor.submit(peak, 2048).result()
        print(f"float32 matrix product on one thread: {top:.0f} GFLOP/s", flush=True)
        took = measure_all(executor, given["data"], int(given.get("epochs", 5)), images)
    finally:
        executor.shutdown(cancel_futures=True)
    report(took, top)


if __name__ == "__main__":
    main()
