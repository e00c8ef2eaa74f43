"""What a worker has imported when it is ready."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_worker_starts_without_what_no_trial_uses_and_a_model_may_import_it(backend: str) -> None:
    code = (
        "import sys; from search.backends import start_worker; "
        f"start_worker({backend!r}); "
        "early = {'matplotlib', 'pandas', 'sklearn'} & set(sys.modules); "
        "import keras, matplotlib, pandas, scipy.stats, sklearn.base; "
        "print(keras.backend.backend(), early)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == f"{backend} set()"
