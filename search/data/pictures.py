"""Image files of any size and colour as one array."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from search.data.progress import Notify, progress
from studies.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""No more than these: some of Pillow's other readers start programs."""
_GREY = {"1", "L", "LA"}
_COLOUR = {"RGB", "RGBA", "RGBX", "P", "PA", "CMYK", "YCbCr"}


def read_pictures(paths: Sequence[Path], size: int | None, notify: Notify) -> np.ndarray:
    """Return the images as (n, height, width, channels) uint8: 1 channel if all are grey, else RGB.

    Others than the common size are resized bilinearly, and not cropped: their proportions may change. Transparency
    is dropped, and of a moving image the first frame is taken.

    Args:
        paths: files of the formats in `SUFFIXES`.
        size: height and width of the result; None: the most frequent size, of equally frequent ones the smallest.
        notify: takes lines about mixed sizes and colours, and about the progress.

    Raises:
        InputError: naming the file that cannot be read, or that has more than 8 bits a channel; or all are too many
            for the memory.
    """
    sizes, modes = _look(paths)
    width, height = (size, size) if size is not None else _common(sizes)
    if len(sizes) > 1 and size is None:
        count = sizes[width, height]
        notify(
            f"Images of {len(sizes)} sizes: resized to {width}x{height}, as {count:,} of {len(paths):,} are "
            "(dataset.size sets another)."
        )
    if modes & _GREY and modes & _COLOUR:
        notify("Grey images are made RGB, since others have colours.")
    mode, channels = ("RGB", 3) if modes & _COLOUR else ("L", 1)
    pixels = _empty((len(paths), height, width, channels))
    with progress("Reading images", len(paths), notify) as advance:
        for row, path in enumerate(paths):
            with _opened(path) as image:
                pixels[row] = _fitted(image.convert(mode), (width, height)).reshape(height, width, channels)
            advance(1)
    return pixels


def _look(paths: Sequence[Path]) -> tuple[Counter[tuple[int, int]], set[str]]:
    """Return how many images have which (width, height), and all modes; it reads the files' headers only."""
    sizes: Counter[tuple[int, int]] = Counter()
    modes = set()
    for path in paths:
        with _opened(path) as image:
            sizes[image.size] += 1
            modes.add(image.mode)
            if image.mode not in _GREY | _COLOUR:
                raise InputError(
                    f"{path} must be an image of 8 bits a channel, grey or in colours. Received: Pillow's mode "
                    f"{image.mode!r}."
                )
    return sizes, modes


def _common(sizes: Counter[tuple[int, int]]) -> tuple[int, int]:
    return min(sizes, key=lambda size: (-sizes[size], size[0] * size[1], size))


def _fitted(image: "Image.Image", size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    return np.asarray(image if image.size == size else image.resize(size, Image.Resampling.BILINEAR))


def _empty(shape: tuple[int, int, int, int]) -> np.ndarray:
    try:
        return np.empty(shape, np.uint8)
    except MemoryError:
        count, height, width, channels = shape
        gigabytes = count * height * width * channels / 1e9
        raise InputError(
            f"`dataset.size` must be smaller: {count:,} images of {width}x{height} take {gigabytes:,.0f} GB of memory."
        ) from None


@contextmanager
def _opened(path: Path) -> Iterator["Image.Image"]:
    """Open an image; whatever proves damaged in it becomes the user's to replace."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=_FORMATS) as image:
            yield image
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"{path} cannot be read: it is not the image that its name says. Remove it.") from None
    except Exception as error:
        # Damage shows as any of a dozen types in Pillow's readers.
        reason = (str(error).splitlines() or [""])[0][:120] or type(error).__name__
        raise InputError(f"{path} cannot be read ({reason}). Repair or remove it.") from None
