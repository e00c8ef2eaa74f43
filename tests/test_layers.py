"""Which package may import which: read from the source, so that a late import counts like any other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"studies": set(), "tracking": {"studies"}, "search": {"studies", "tracking"}}
HOMES = {
    "mlflow": {"tracking/mlflow_store.py", "tracking/mlflow_models.py"},
    "optuna": {"search/sampler.py", "search/proposer.py", "search/storage.py", "tracking/importances.py"},
    "hydra": {"studies/compose.py"},
    "keras": {"search/models/", "search/data/keras_download.py", "search/train/"},
    "keras_tuner": {"search/models/"},
    "tensorflow": {"search/models/", "search/train/", "search/backends.py"},
    "sklearn": {"search/data/"},
    "matplotlib": {"tracking/"},
    "scipy": {"tracking/"},
    "statsmodels": {"tracking/"},
    "distributed": {"search/cluster/"},
    "apscheduler": {"search/nights.py"},
    "apprise": {"tracking/channels.py"},
}
SOURCES = sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import, which hides the layer"
            yield node.module or ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_the_layers_only(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    above = set(OURS) - OURS[package] - {package}
    imported = {module.partition(".")[0] for module in imported_modules(path)}
    assert not imported & above, f"{path.relative_to(ROOT)} imports {sorted(imported & above)}, a layer above its own"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_third_party_library_is_imported_in_its_home_only(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for module in imported_modules(path):
        library = module.partition(".")[0]
        homes = HOMES.get(library)
        assert homes is None or any(place.startswith(home) for home in homes), f"{place} imports {module}"


def test_the_coordinator_does_not_import_tensorflow_before_a_worker_needs_it(tmp_path: Path) -> None:
    import subprocess
    import sys

    modules = (
        "search.run, search.preview, search.verify, search.case, search.drive, search.workers, "
        "search.schedule, search.scheduler, search.status, tracking.morning, "
        "tracking.report, tracking.reporter, tracking.publish, tracking.brief, tracking.compare"
    )
    code = f"import sys, {modules}; print(sorted({{'tensorflow', 'keras', 'mlflow'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", OURS)
def test_a_folder_of_the_same_name_where_one_works_hides_nothing(package: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / package / "train").mkdir(parents=True)
    code = f"import {package}, pathlib; print(pathlib.Path({package}.__file__).parent)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).name == package
