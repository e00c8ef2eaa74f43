"""Models: Keras Tuner build functions, `build(hp) -> compiled keras.Model`.

This file is read without Keras: it knows where a model's source is, not what the model is.
"""

import ast
import hashlib
import importlib.util
from pathlib import Path

from studies.errors import InputError, unknown

BUILT_IN = ("two_block_cnn",)


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

    It is part of every trial's key: a changed model is another model. What a module of the user's own imports in its
    turn is not followed.

    Raises:
        InputError: the module cannot be found, or is not valid Python.
    """
    module, _ = locate(model)
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise InputError(f"`study.model` must be importable from here. Received: {model!r}; no module {module!r}.")
    origin = Path(spec.origin)
    sources = [origin] if ":" in model else [origin.with_name(f"{name}.py") for name in (model, *_SHARED)]
    digest = hashlib.sha256()
    for source in sources:
        try:
            tree = ast.parse(source.read_bytes())
        except (SyntaxError, OSError) as error:
            raise InputError(f"`study.model` {model!r} cannot be read: {source.name}: {error}") from None
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


_SHARED = ("dropout", "hypermodel")
"""Modules of this package that every built-in model is made with."""
