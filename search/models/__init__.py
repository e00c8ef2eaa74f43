"""Models: Keras Tuner build functions, `build(hp) -> compiled keras.Model`.

This file is read without Keras: it knows where a model's source is, not what the model is.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from studies.errors import InputError, unknown

BUILT_IN = (
    "two_block_cnn",
    "challenge_cnn",
    "dense_shortcut",
    "naive_convnet",
    "batchnorm_convnet",
    "six_conv",
    "dimension_check",
    "cifar_small",
    "vgg_small",
    "three_conv_net",
    "one_conv_net",
    "dense_head",
)


def locate(model: str) -> tuple[str, str]:
    """Return module and attribute of the build function that `study.model` names.

    Raises:
        InputError: neither a built-in model nor `package.module:attribute`.
    """
    if ":" not in model:
        if model not in BUILT_IN:
            error = unknown("study.model", model, BUILT_IN)
            raise InputError(f"{error} A model of your own is given as package.module:build.")
        return f"{__name__}.{model}", "build"
    module, _, attribute = model.partition(":")
    if not module or not attribute.isidentifier():
        raise InputError(f"`study.model` must be a built-in model or package.module:build. Received: {model!r}.")
    return module, attribute


def source_digest(model: str) -> str:
    """Return a hash of the source that defines `model`, indifferent to its comments and layout.

    It is part of every trial's key: a changed model is another model. Of a built-in model it covers every module of
    this package that the model is made with; what a module of the user's own imports in its turn is not followed.

    Raises:
        InputError: the module cannot be found, or is not valid Python.
    """
    module, _ = locate(model)
    digest = hashlib.sha256()
    for tree in _made_with(model) if ":" not in model else [_parsed(_found(module, model), model)]:
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


def _made_with(model: str) -> list[ast.Module]:
    """Return the modules of this package that a built-in model is made with, in the order of their names."""
    trees: dict[str, ast.Module] = {}
    waiting = [model, "hypermodel"]
    while waiting:
        name = waiting.pop()
        source = Path(__file__).with_name(f"{name}.py")
        if name not in trees and source.is_file():
            trees[name] = _parsed(source, model)
            waiting += _imported_from_here(trees[name])
    return [trees[name] for name in sorted(trees)]


def _imported_from_here(tree: ast.Module) -> Iterator[str]:
    """Yield the names after `search.models.` in the imports of a module, those of functions of this file included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (module.split(".")[2] for module in modules if module.startswith(f"{__name__}."))


def _found(module: str, model: str) -> Path:
    try:
        spec = _spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise InputError(f"`study.model` must be importable from here. Received: {model!r}; no module {module!r}.")
    return Path(spec.origin)


def _spec(module: str) -> ModuleSpec | None:
    """Return where `module` is, without importing the packages above it: Keras Tuner's would take seconds."""
    package = module.rpartition(".")[0]
    if not package:
        return importlib.util.find_spec(module)
    above = _spec(package)
    if above is None or above.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(module, above.submodule_search_locations)


def _parsed(source: Path, model: str) -> ast.Module:
    try:
        return ast.parse(source.read_bytes())
    except (SyntaxError, ValueError, OSError) as error:
        raise InputError(f"`study.model` {model!r} cannot be read: {source.name}: {error}") from None
