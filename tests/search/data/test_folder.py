"""A folder of real image files, one subfolder per class, in each layout and with everything that goes wrong."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from search.data.images import Images
from search.data.prepared import PreparedData, prepare
from studies.errors import InputError
from studies.spec import DatasetSpec, DataSpec, SuggestedTraining

RED, GREEN, BLUE, GREY = (200, 0, 0), (0, 200, 0), (0, 0, 200), 120
SUGGESTED = SuggestedTraining(epochs=1, batch_size=1)


def put(path: Path, colour: Any = RED, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> Path:
    """Write an image of one colour; `size` is width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten red cats and five green dogs."""
    folder = tmp_path / "pets"
    for number in range(10):
        put(folder / "cat" / f"{number}.png", RED)
    for number in range(5):
        put(folder / "dog" / f"{number}.png", GREEN)
    return folder


class Reading:
    """What came of a folder, and the lines that were said."""

    def __init__(self, folder: Path, data: dict[str, Any] | None = None, **fields: Any) -> None:
        self.said: list[str] = []
        spec = DatasetSpec.model_validate(
            {"name": "folder", "dir": str(folder), "suggested": SUGGESTED, "test_fraction": 0.2, **fields}
        )
        use = DataSpec.model_validate(data or {})
        self.data: PreparedData = prepare(spec, folder.parent / "runs", self.said.append, data_spec=use)
        self.images: Images = self.data.open()

    def counts(self) -> tuple[list[int], list[int]]:
        return np.bincount(self.images.y_train).tolist(), np.bincount(self.images.y_test).tolist()

    def lines(self) -> list[str]:
        return [line for line in self.said if not line.startswith("Reading images")]


def refusal(folder: Path, **fields: Any) -> str:
    with pytest.raises(InputError) as refused:
        Reading(folder, **fields)
    assert not (folder.parent / "runs").exists()
    assert len(str(refused.value).splitlines()) <= 2
    return str(refused.value)


def test_each_subfolder_is_a_class_named_after_it(root: Path) -> None:
    read = Reading(root)
    assert read.data.class_names == ("cat", "dog")
    assert read.data.input_shape == (4, 6, 3)
    assert {tuple(pixel) for pixel in read.images.x_train[read.images.y_train == 0].reshape(-1, 3)} == {RED}
    assert {tuple(pixel) for pixel in read.images.x_test[read.images.y_test == 1].reshape(-1, 3)} == {GREEN}


def test_without_a_split_the_fraction_of_each_class_is_for_testing_and_this_is_said(root: Path) -> None:
    read = Reading(root)
    assert read.counts() == ([8, 4], [2, 1])
    assert read.lines() == [f"3 of 15 images in {root} are for testing, drawn class by class."]


def test_the_test_set_is_the_same_wherever_the_folder_lies(root: Path, tmp_path: Path) -> None:
    for number in range(10):
        put(root / "cat" / f"{number}.png", (number, 0, 0))
    first = Reading(root).data.digest
    root.rename(tmp_path / "moved")
    assert Reading(tmp_path / "moved").data.digest == first


def test_train_and_test_folders_are_the_split(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("test", 2)):
        for name, colour in (("cat", RED), ("dog", GREEN)):
            for number in range(count):
                put(tmp_path / "pets" / part / name / f"{number}.png", colour)
    read = Reading(tmp_path / "pets")
    assert read.counts() == ([3, 3], [2, 2])
    assert read.lines() == []


def test_a_table_is_the_split_and_what_it_does_not_list_is_left_out_and_said(root: Path) -> None:
    rows = ["id,split,file", *(f"{n},train,cat/{n}.png" for n in range(4)), "x,test,cat/9.png", "y,train,dog/0.png"]
    (root / "parts.csv").write_text("\n".join(rows))
    read = Reading(root, csv="parts.csv")
    assert read.counts() == ([4, 1], [1])
    assert read.lines() == ["9 of 15 images are not in parts.csv: not used."]


def test_the_first_so_many_images_are_of_all_classes(root: Path) -> None:
    assert Reading(root, data={"train_limit": 9}).data.n_train == 9


def test_images_in_deeper_folders_count_and_other_files_do_not(root: Path) -> None:
    put(root / "cat" / "more" / "z.JPG")
    (root / "cat" / "notes.txt").write_text("nice cats")
    (root / ".hidden").mkdir()
    put(root / "cat" / "._0.png")
    read = Reading(root)
    assert read.data.n_train + read.data.n_test == 16
    assert read.data.class_names == ("cat", "dog")


def test_mixed_sizes_are_resized_to_the_most_frequent_and_this_is_said(root: Path) -> None:
    put(root / "cat" / "large.png", size=(60, 40))
    put(root / "dog" / "small.png", size=(3, 3))
    read = Reading(root)
    assert read.data.input_shape == (4, 6, 3)
    assert "Images of 3 sizes: resized to 6x4, as 15 of 17 are (dataset.size sets another)." in read.lines()


def test_a_size_that_is_asked_for_is_the_size(root: Path) -> None:
    read = Reading(root, size=8)
    assert read.data.input_shape == (8, 8, 3)
    assert not [line for line in read.lines() if "sizes" in line]


def test_grey_images_have_one_channel(tmp_path: Path) -> None:
    for name, level in (("dark", 10), ("light", 240)):
        for number in range(3):
            put(tmp_path / "tones" / name / f"{number}.png", level, mode="L")
    read = Reading(tmp_path / "tones")
    assert read.data.input_shape == (4, 6, 1)
    assert set(read.images.x_train.ravel().tolist()) == {10, 240}


def test_grey_among_colours_becomes_rgb_and_this_is_said(root: Path) -> None:
    put(root / "dog" / "grey.png", GREY, mode="L")
    read = Reading(root)
    assert read.data.input_shape == (4, 6, 3)
    assert "Grey images are made RGB, since others have colours." in read.lines()
    pixels = np.concatenate([read.images.x_train, read.images.x_test]).reshape(-1, 3)
    assert (GREY, GREY, GREY) in {tuple(pixel) for pixel in pixels.tolist()}


@pytest.mark.parametrize("mode", ["P", "RGBA", "CMYK"])
def test_other_kinds_of_colour_become_rgb(root: Path, mode: str) -> None:
    Image.new("RGB", (6, 4), BLUE).convert(mode).save(root / "cat" / "odd.tif")
    assert Reading(root).data.input_shape == (4, 6, 3)


def test_the_second_time_no_image_is_read_until_a_file_changes(root: Path) -> None:
    first = Reading(root)
    again = Reading(root)
    assert again.data == first.data and again.said == []
    put(root / "cat" / "0.png", BLUE)
    assert Reading(root).data.digest != first.data.digest


@pytest.mark.parametrize("change", ["content", "name", "new file", "file gone", "table"])
def test_every_change_of_a_file_is_noticed(root: Path, change: str) -> None:
    table, image = root / "parts.csv", root / "cat" / "0.png"
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    table.write_text(
        "file,split\n" + "\n".join(f"{f},{'test' if '1' in f else 'train'}" for f in files if "7" not in f)
    )
    Reading(root, csv="parts.csv")
    match change:
        case "content":
            before = image.stat()
            image.write_bytes(image.read_bytes())
            os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        case "name":
            (root / "cat" / "7.png").rename(root / "cat" / "seven.png")
        case "new file":
            put(root / "dog" / "new.png")
        case "file gone":
            (root / "cat" / "7.png").unlink()
        case "table":
            table.write_text(table.read_text().replace("2.png,train", "2.png,test"))
    assert Reading(root, csv="parts.csv").said != []


def test_an_unreadable_image_is_named(root: Path) -> None:
    (root / "dog" / "3.png").write_bytes(b"not a picture")
    assert refusal(root) == (f"{root}/dog/3.png cannot be read: it is not the image that its name says. Remove it.")


def test_an_image_that_is_cut_short_is_named(root: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(root / "dog" / "cut.png")
    whole = (root / "dog" / "cut.png").read_bytes()
    (root / "dog" / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert re.match(re.escape(f"{root}/dog/cut.png cannot be read (") + ".*truncated", refusal(root))


def test_an_image_of_16_bits_is_named(root: Path) -> None:
    Image.fromarray(np.full((4, 6), 60_000, np.uint16)).save(root / "cat" / "deep.png")
    assert f"{root}/cat/deep.png must be an image of 8 bits a channel" in refusal(root)


def test_only_one_class_is_refused(root: Path) -> None:
    for path in (root / "dog").iterdir():
        path.unlink()
    (root / "dog").rmdir()
    assert "must hold at least two classes" in refusal(root) and "only 'cat'" in refusal(root)


def test_a_class_without_images_is_named(root: Path) -> None:
    (root / "eel").mkdir()
    assert f"Received: {root}/eel without any (png, jpg," in refusal(root)


def test_images_outside_of_class_folders_are_no_dataset(tmp_path: Path) -> None:
    put(tmp_path / "pets" / "0.png")
    assert "which holds no subfolder" in refusal(tmp_path / "pets")


def test_a_class_that_is_in_the_test_set_only_is_named(tmp_path: Path) -> None:
    for place in ("train/cat", "train/dog", "test/cat", "test/eel"):
        put(tmp_path / "pets" / place / "0.png")
    assert "`dataset.dir` must leave images of each class to train on. Received: none of 'eel'" in refusal(
        tmp_path / "pets"
    )


@pytest.mark.parametrize(
    ("fraction", "said"), [(0.01, "must leave at least one image for testing"), (0.95, "none of 'dog'")]
)
def test_a_fraction_that_leaves_nothing_is_refused(root: Path, fraction: float, said: str) -> None:
    refused = refusal(root, test_fraction=fraction)
    assert refused.startswith("`dataset.test_fraction`") and said in refused


def test_a_folder_without_any_split_needs_a_fraction(root: Path) -> None:
    assert "`dataset.test_fraction` must be given" in refusal(root, test_fraction=None)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file,part\ncat/0.png,train\n", "must have the columns file and split. Received: "),
        ("", "with none."),
        ("file,split\n", "which lists none"),
        ("file,split\ncat/0.png,train\ncat/1.pgn,test\n", "line 3: `file` must be an image"),
        ("file,split\ncat/0.png,train\ncat/1.pgn,test\n", "Did you mean 'cat/1.png'?"),
        ("file,split\n../secret.png,train\n", "Received: '../secret.png'"),
        ("file,split\ncat/0.png,train\ncat/0.png,test\n", "must not be listed twice"),
        ("file,split\ncat/0.png,validation\n", "`split` must be train or test. Received: 'validation'"),
        ("file,split\ncat/0.png\n", "`split` must be train or test. Received: None"),
        ("file,split\ncat/0.png,train\ndog/0.png,train\n", "`dataset.csv` must leave at least one image for testing"),
        ("file,split\ncat/0.png,train\ndog/0.png,test\n", "none of 'dog'"),
        ("file,split\ncat/0.png,train\ncat/1.png,test\n", "at least two classes"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(root: Path, table: str, said: str) -> None:
    (root / "parts.csv").write_text(table)
    assert said in refusal(root, csv="parts.csv")


def test_a_table_that_is_not_there_gets_the_nearest_name(root: Path) -> None:
    (root / "parts.csv").write_text("file,split\n")
    assert "`dataset.csv` must name a file in `dataset.dir`" in refusal(root, csv="part.csv")
    assert "Did you mean 'parts.csv'?" in refusal(root, csv="part.csv")


def test_a_table_that_is_no_text_is_refused(root: Path) -> None:
    (root / "parts.csv").write_bytes(b"\xff\xfe\x00file")
    assert "must be a CSV file in UTF-8" in refusal(root, csv="parts.csv")
