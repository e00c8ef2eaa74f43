"""What makes a model another model: the sources that its trials' keys cover."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import search.models
from search.models import BUILT_IN, source_digest
from studies.errors import InputError

PACKAGE = Path(search.models.__file__).parent
MADE_WITH = {
    "dropout": {"two_block_cnn", "challenge_cnn", "batchnorm_convnet", "cifar_small", "vgg_small", "dense_head"},
    "dense_head": {"vgg_small", "three_conv_net", "one_conv_net", "dense_head"},
    "vgg_small": {"vgg_small"},
    "optimizers": set(BUILT_IN),
    "hypermodel": set(BUILT_IN),
    "discovery": set(),
}


def digests(package: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(search.models, "__file__", str(package / "__init__.py"))
    return {model: source_digest(model) for model in BUILT_IN}


@pytest.mark.parametrize("changed", MADE_WITH)
def test_a_changed_module_makes_other_models_of_those_made_with_it(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "models"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = digests(copy, monkeypatch)
    with (copy / f"{changed}.py").open("a") as source:
        source.write("\nanother = 1\n")
    after = digests(copy, monkeypatch)
    others = {model for model in BUILT_IN if before[model] != after[model]}
    assert others >= MADE_WITH[changed]
    if changed in {"vgg_small", "discovery"}:
        assert others == MADE_WITH[changed]


def test_a_comment_does_not_make_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "models"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = digests(copy, monkeypatch)
    with (copy / "optimizers.py").open("a") as source:
        source.write("\n# a remark\n")
    assert digests(copy, monkeypatch) == before


def test_a_module_inside_a_package_is_found_without_importing_the_package() -> None:
    code = (
        "import sys; from search.models import source_digest; "
        "print(len(source_digest('keras_tuner.applications:HyperResNet')), 'keras_tuner' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["64", "False"]


@pytest.mark.parametrize(
    "model", ["no_such_package:build", "no_such.package:build", "json.no_such:build", "json.decoder.below:build"]
)
def test_a_module_that_is_not_there_is_named(model: str) -> None:
    with pytest.raises(InputError, match=f"Received: '{model}'; no module '{model.partition(':')[0]}'"):
        source_digest(model)


def test_a_module_that_is_not_python_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_net.py").write_text("def build(hp:\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"'broken_net:build' cannot be read: broken_net\.py"):
        source_digest("broken_net:build")
