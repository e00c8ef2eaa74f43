"""`python -m tracking.compare`, run as a user runs it."""

import csv
import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

from tracking import effects
from tracking import stats as our_stats
from tracking.analysis_json import NO_MARGIN
from tracking.results_csv import SAME_VALUE

ARMS = {
    "original": [0.9410, 0.9385, 0.9435, 0.9398, 0.9423, 0.9373],
    "dropout1": [0.9699, 0.9674, 0.9724, None, 0.9711, 0.9661],
    "dropout2": [0.9424, 0.9399, 0.9448, 0.9375, 0.9436, 0.9384],
}
KEYS = ["metric", "alpha", "paired", "control", "arms", "comparisons", "omnibus", "conclusion"]
ARM_KEYS = ["name", "n", "failed", "mean", "sd", "median", "min", "max", "ci95"]
COMPARISON_KEYS = [
    *("arm", "n", "difference", "ci95", "t", "df", "p", "p_holm", "hedges_g", "hedges_g_ci95", "a12"),
    *("mann_whitney_p", "significant", "verdict", "equivalence_p", "flags"),
]


def table(arms=ARMS, metric="test_accuracy"):
    """Return a CSV file with seeds from 1, None being an empty cell."""
    rows = [f"arm,seed,{metric}"]
    for arm, values in arms.items():
        rows += [f"{arm},{seed},{'' if value is None else value}" for seed, value in enumerate(values, start=1)]
    return "\n".join(rows) + "\n"


@pytest.fixture
def compare(tmp_path):
    """Return a function that runs the command on a CSV file with some content."""

    def run(content, *arguments, control="original", metric="test_accuracy"):
        file = tmp_path / "results.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        given = {"file": file, "control": control, "metric": metric}
        command = [sys.executable, "-m", "tracking.compare", *(f"{name}={value}" for name, value in given.items())]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture
def answer(compare):
    """Return a function that runs the command and reads the JSON it prints."""

    def ask(content, *arguments, **given):
        done = compare(content, "format=json", *arguments, **given)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))

    return ask


def test_the_json_holds_what_scipy_and_statsmodels_say(answer):
    found = answer(table(), "margin=0.005")
    assert list(found) == KEYS
    assert (found["metric"], found["alpha"], found["paired"]) == ("test_accuracy", 0.05, False)
    assert found["control"] == "original"
    samples = {name: np.array([v for v in values if v is not None]) for name, values in ARMS.items()}
    for row, (name, x) in zip(found["arms"], samples.items(), strict=True):
        assert list(row) == ARM_KEYS
        assert (row["name"], row["n"], row["failed"]) == (name, len(x), 6 - len(x))
        assert [row[key] for key in ("mean", "sd", "median", "min", "max")] == pytest.approx(
            [x.mean(), x.std(ddof=1), np.median(x), x.min(), x.max()]
        )
        assert row["ci95"] == pytest.approx(stats.t.interval(0.95, len(x) - 1, x.mean(), stats.sem(x)))
    control = samples["original"]
    p_values = [stats.ttest_ind(samples[arm], control, equal_var=False).pvalue for arm in ("dropout1", "dropout2")]
    for row, p_holm in zip(found["comparisons"], multipletests(p_values, method="holm")[1], strict=True):
        assert list(row) == COMPARISON_KEYS
        x = samples[row["arm"]]
        test = stats.ttest_ind(x, control, equal_var=False)
        assert row["n"] == [len(x), 6]
        assert row["difference"] == pytest.approx(x.mean() - control.mean())
        assert [row["t"], row["df"], row["p"]] == pytest.approx([test.statistic, test.df, test.pvalue])
        assert row["ci95"] == pytest.approx(list(test.confidence_interval(0.95)))
        assert row["p_holm"] == pytest.approx(p_holm)
        assert row["significant"] == (p_holm <= 0.05)
        ranks = stats.mannwhitneyu(x, control, method="exact")
        assert row["a12"] == pytest.approx(ranks.statistic / (6 * len(x)))
        assert row["mann_whitney_p"] == pytest.approx(ranks.pvalue)
        assert row["equivalence_p"] == pytest.approx(ttost_ind(x, control, -0.005, 0.005, usevar="unequal")[0])
        effect = effects.hedges_g(x, control)
        assert [row["hedges_g"], *row["hedges_g_ci95"]] == pytest.approx([effect.value, effect.low, effect.high])
    assert [row["verdict"] for row in found["comparisons"]] == ["better", "equivalent within the margin"]
    whole = stats.alexandergovern(*samples.values())
    assert [found["omnibus"]["statistic"], found["omnibus"]["p"]] == pytest.approx([whole.statistic, whole.pvalue])
    assert "dropout1 is better than original in test accuracy" in found["conclusion"]
    assert "dropout1 has 5 of 6 trials (seed 4: test_accuracy is empty)." in found["conclusion"]


def test_pairs_are_matched_by_seed_and_their_number_is_n(answer):
    lines = table().splitlines()
    found = answer("\n".join([lines[0], *reversed(lines[1:])]), "paired=true", "margin=0.005")
    row = next(row for row in found["comparisons"] if row["arm"] == "dropout1")
    seeds = [number for number, value in enumerate(ARMS["dropout1"]) if value is not None]
    x, y = np.array(ARMS["dropout1"], dtype=float)[seeds], np.array(ARMS["original"])[seeds]
    test = stats.ttest_rel(x, y)
    assert row["n"] == [5, 5]
    assert [row["t"], row["df"], row["p"]] == pytest.approx([test.statistic, 4, test.pvalue])
    assert row["difference"] == pytest.approx((x - y).mean())
    assert row["ci95"] == pytest.approx(list(test.confidence_interval(0.95)))
    assert row["equivalence_p"] == pytest.approx(ttost_paired(x, y, -0.005, 0.005)[0])
    assert row["mann_whitney_p"] == pytest.approx(stats.mannwhitneyu(x, y, method="exact").pvalue)
    flips = stats.permutation_test((x - y,), np.mean, permutation_type="samples").pvalue
    assert f"sign-flip permutation test of the pairs: p = {flips:.6g}" in row["flags"]
    assert [arm["n"] for arm in found["arms"] if arm["name"] == "original"] == [6]


@pytest.mark.parametrize("names", [("run-a", "run-b", "run-c"), ("1.0", "02", "3"), ("10", "9", "x")])
def test_a_seed_is_any_name_that_two_arms_share(answer, names):
    values = {"original": [0.90, 0.95, 0.91], "other": [0.91, 0.97, 0.93]}
    rows = [f"{arm},{seed},{v}" for arm, all_of in values.items() for seed, v in zip(names, all_of, strict=True)]
    paired = answer("arm,seed,acc\n" + "\n".join(rows), "paired=true", metric="acc")["comparisons"][0]
    assert paired["n"] == [3, 3]
    assert paired["t"] == pytest.approx(stats.ttest_rel(values["other"], values["original"]).statistic)


def test_a_failed_trial_whose_seed_is_a_name_is_named(answer):
    found = answer("arm,seed,acc\na,x,0.5\na,y,\nb,x,0.6\nb,y,0.8\n", metric="acc", control="a")
    assert "a has 1 of 2 trials (seed 2: y, acc is empty)." in found["conclusion"]


def test_whole_numbers_are_one_seed_however_they_are_written(answer):
    content = "arm,seed,acc\na,1,0.5\na,2,0.6\nb,1.0,0.6\nb,02,0.8\n"
    assert answer(content, "paired=true", metric="acc", control="a")["comparisons"][0]["n"] == [2, 2]


def test_intervals_are_at_95_percent_whatever_alpha_is_and_the_verdict_follows_alpha(answer):
    arms = {"original": [0.90, 0.92, 0.91, 0.93], "other": [0.94, 0.95, 0.93, 0.96]}
    usual, strict = answer(table(arms)), answer(table(arms), "alpha=0.001")
    assert (usual["alpha"], strict["alpha"]) == (0.05, 0.001)
    assert usual["arms"] == strict["arms"]
    one, other = usual["comparisons"][0], strict["comparisons"][0]
    assert (one["ci95"], one["hedges_g_ci95"]) == (other["ci95"], other["hedges_g_ci95"])
    assert (one["significant"], one["verdict"]) == (True, "better")
    assert (other["significant"], other["verdict"]) == (False, "inconclusive")
    assert "99.9% CI" in strict["conclusion"]


@pytest.mark.parametrize(
    ("arms", "reason"),
    [
        ({"original": [0.9, 0.8], "b": [0.7]}, our_stats.ONE_VALUE),
        ({"original": [0.9, 0.9], "b": [0.7, 0.7]}, our_stats.BOTH_CONSTANT),
        ({"original": [0.9, 0.91, 0.92], "b": [0.7, 0.7, 0.7]}, our_stats.ONE_CONSTANT),
        ({"original": [0.9, 0.91], "b": [None, None]}, our_stats.NO_VALUES),
        ({"original": [None], "b": [None]}, our_stats.NO_VALUES),
    ],
)
@pytest.mark.parametrize("paired", ["true", "false"])
def test_what_is_not_defined_is_null_with_its_reason_among_the_flags(answer, arms, reason, paired):
    found = answer(table(arms), f"paired={paired}")
    row = found["comparisons"][0]
    assert NO_MARGIN in row["flags"]
    assert any(flag.endswith(reason) for flag in row["flags"]) or paired == "true"
    nulls = [key for key, value in row.items() if value is None and key != "equivalence_p"]
    nulls += [key for arm in found["arms"] for key, value in arm.items() if value is None]
    assert nulls
    assert len(row["flags"]) > 1
    assert row["significant"] is False or row["p"] is not None


def test_one_trial_or_repeated_ones_have_no_p_of_any_kind(answer):
    arms = {"original": [0.9, 0.9, 0.9], "b": [0.95, 0.95, 0.95], "c": [0.97]}
    for paired in ("true", "false"):
        for row in answer(table(arms), f"paired={paired}", "margin=0.01")["comparisons"]:
            assert [row[key] for key in ("p", "p_holm", "mann_whitney_p", "equivalence_p", "hedges_g")] == [None] * 5
            assert row["a12"] == (1.0 if row["arm"] == "b" else None)
            assert not any(flag.startswith("sign-flip") for flag in row["flags"])


def test_seeds_that_change_nothing_but_rounding_are_named(answer):
    found = answer(table({"original": [0.90, 0.91, 0.92], "b": [0.7, 0.7000000000000001, 0.7]}))
    assert f"b: {SAME_VALUE}." in found["conclusion"]
    assert found["arms"][1]["sd"] == 0.0


def test_of_a_loss_less_is_better_which_is_guessed_and_said(compare):
    content = table({"original": [0.5, 0.52, 0.51], "b": [0.3, 0.31, 0.32]}, metric="val_loss")
    guessed = compare(content, "format=json", metric="val_loss")
    assert json.loads(guessed.stdout)["comparisons"][0]["verdict"] == "better"
    assert guessed.stderr == "val_loss: less is better (direction=min, guessed from the name)\n"
    given = compare(content, "format=json", "direction=max", metric="val_loss")
    assert json.loads(given.stdout)["comparisons"][0]["verdict"] == "worse"
    assert "direction=max, as given" in given.stderr
    for form in ("rich", "markdown"):
        assert "less is better (direction=min, guessed from the name)" in compare(
            content, f"format={form}", metric="val_loss"
        ).stdout.replace("\n", "")


def test_every_format_says_the_same(compare, answer):
    found = answer(table(), "margin=0.005", "all_pairs=true")
    row = found["comparisons"][0]
    outputs = {}
    for form in ("rich", "markdown", "csv", "latex"):
        done = compare(table(), f"format={form}", "margin=0.005", "all_pairs=true")
        assert done.returncode == 0, done.stderr
        outputs[form] = done.stdout
    for form in ("rich", "markdown", "latex"):
        said = " ".join(outputs[form].split())
        for expected in (
            "5 of 6",
            "+2.90",
            "better",
            "Games",
            "5 of 6 trials",
            "-2.90" if form != "latex" else "$-$2.90",
        ):
            assert expected in said, (form, expected)
    means, comparisons, pairs = (list(csv.DictReader(io.StringIO(part))) for part in outputs["csv"].split("\n\n"))
    assert [float(one["mean"]) for one in means] == [one["mean"] for one in found["arms"]]
    assert [one["planned"] for one in means] == ["6", "6", "6"]
    assert float(comparisons[0]["p_holm"]) == row["p_holm"]
    assert (pairs[0]["arm"], pairs[0]["against"]) == ("original", "dropout1")
    tukey = stats.tukey_hsd(*([v for v in values if v is not None] for values in ARMS.values()), equal_var=False)
    assert float(pairs[2]["p"]) == pytest.approx(tukey.pvalue[1, 2])


def test_the_json_has_its_keys_only_when_all_pairs_are_asked_for(answer):
    assert answer(table(), "all_pairs=true") == answer(table())


def test_accuracies_written_in_percent_stay_as_they_are(compare):
    percent = {arm: [None if v is None else 100 * v for v in values] for arm, values in ARMS.items()}
    text = compare(table(percent)).stdout
    assert "94.04" in text
    assert "9404" not in text
    assert "+2.90 test accuracy" in " ".join(text.split())


def test_a_table_from_a_spreadsheet_reads_like_any_other(answer):
    rows = [["seed", "note", "test_accuracy", "arm"]]
    rows += [[str(s), 'a "b", c', v, arm] for arm, values in ARMS.items() for s, v in enumerate(values, start=1)]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(rows)
    content = "\ufeff" + buffer.getvalue() + "\r\n,,,\r\n"
    assert answer(content.encode()) == answer(table())


@pytest.mark.parametrize("cell", ["", " ", "nan", "NaN", "inf", "-Infinity", "1e999", "NA", "None"])
def test_an_empty_or_non_finite_cell_is_a_failed_trial(answer, cell):
    content = table({"original": [0.90, 0.91, 0.92], "b": [0.93, 0.94]}) + f"b,3,{cell}\n"
    found = answer(content)
    assert (found["arms"][1]["n"], found["arms"][1]["failed"]) == (2, 1)
    assert "b has 2 of 3 trials (seed 3: test_accuracy is " in found["conclusion"]


ROWS = "arm,seed,test_accuracy\noriginal,1,0.9\noriginal,2,0.8\nb,1,0.7\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "`file` must hold a header and rows below it. Received: an empty file."),
        ("\n\n", "an empty file"),
        ("arm,seed,test_accuracy\n", "a header only"),
        ("Arm,seed,test_accuracy\na,1,1\n", "column `arm`. Received: Arm, seed, test_accuracy. Did you mean 'Arm'?"),
        ("arm,test_accuracy\na,1\n", "must have a column `seed`"),
        ("arm,seed\na,1\n", "must have a column 'test_accuracy'. Received: arm, seed."),
        ("arm,seed,test_acuracy\na,1,1\n", "`metric` must be one of: test_acuracy. Received: 'test_accuracy'. Did you"),
        ("arm,seed,test_accuracy,arm\na,1,1,b\n", "must have one column 'arm'. Received: 2"),
        ("arm;seed;test_accuracy\na;1;0,5\n", "must be separated by commas. Received: a header with semicolons"),
        ("arm\tseed\ttest_accuracy\na\t1\t0.5\n", "a header with tabs"),
        (ROWS + "b,2\n", "Row 5 must have 3 cells, as the header. Received: 2."),
        (ROWS + "b,2,0.5,0.6\n", "Row 5 must have 3 cells, as the header. Received: 4."),
        (
            ROWS + "\nb,1,0.9\n",
            "Columns `arm` and `seed`, row 6: each pair may stand in one row. Received: 'b' with seed",
        ),
        (ROWS + "b,01,0.9\n", "again, as in row 4."),
        (ROWS + "b,2,high\n", "Column 'test_accuracy', row 5: must be a number, or empty where the trial failed. Rec"),
        (ROWS + 'b,2,"0,9"\n', "row 5: must be a number, or empty where the trial failed. Received: '0,9'."),
        (ROWS + "b,2,1_0\n", "Received: '1_0'."),
        (ROWS + ",2,0.9\n", "Column `arm`, row 5: must not be empty."),
        (ROWS + "b, ,0.9\n", "Column `seed`, row 5: must not be empty."),
        (ROWS + 'b,2,"0.9\n', "must be comma-separated values. Received, in row 5: unexpected end of data."),
        (ROWS + 'b,2,"0.9"x\n', "must be comma-separated values. Received, in row 5"),
        ("arm,seed,test_accuracy\noriginal,1,0.9\n", "must hold at least two arms. Received: only 'original'."),
        (b"arm,seed,test_accuracy\na,1,0.5\n\xff,1,0.5\n", "must be text in UTF-8. Received: other bytes in row 3."),
        ("arm,seed,test_accuracy\na,1,0.5".encode("utf-16"), "must be text in UTF-8"),
        (
            ROWS.replace("original", "orignal"),
            "`control` must be one of: b, orignal. Received: 'original'. Did you mean",
        ),
        (
            f"arm,seed,test_accuracy\n{'x' * 200_000},1,0.5\n",
            "comma-separated values. Received, in row 2: field larger",
        ),
        ("arm,seed,test_accuracy\n" + "\x1b[31m,1,y\n", "row 2: must be a number"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_with_column_and_row(compare, content, expected):
    assert_refused(compare(content, "format=json"), expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["alpha=0.7"], "`alpha` must be between 0 and 0.5. Received: '0.7'."),
        (["alpha=x"], "`alpha` must be a number"),
        (["margin=0"], "`margin` must be positive"),
        (["margin=nan"], "`margin` must be a number"),
        (["paired=yes"], "`paired` must be one of: false, true. Received: 'yes'."),
        (["format=html"], "`format` must be one of: csv, json, latex, markdown, rich. Received: 'html'."),
        (["direction=up"], "`direction` must be one of: max, min. Received: 'up'."),
        (["pared=true"], "Received: 'pared=true'. Did you mean 'paired'?"),
        (["margin"], "`margin` must have a value: margin=VALUE. Received: 'margin'."),
        (["nothing"], "Arguments are `file=`, "),
        (["alpha=0.1", "alpha=0.2"], "`alpha` must be given once. Received: '0.1' and '0.2'."),
    ],
)
def test_a_wrong_option_is_refused_by_its_name(compare, arguments, expected):
    assert_refused(compare(ROWS, *arguments), expected)


def test_a_direction_that_the_name_does_not_tell_is_asked_for(compare):
    content = table(metric="outcome")
    assert_refused(
        compare(content, metric="outcome"), "`direction` must be given where the metric's name does not tell"
    )
    assert compare(content, "direction=max", metric="outcome").returncode == 0
    assert_refused(compare(content, metric="outcme"), "`metric` must be one of: outcome. Received: 'outcme'.")


@pytest.mark.parametrize("missing", ["file", "control", "metric"])
def test_what_must_be_given_is_asked_for(missing):
    given = [f"{name}=x" for name in ("file", "control", "metric") if name != missing]
    done = subprocess.run(
        [sys.executable, "-m", "tracking.compare", *given], capture_output=True, text=True, check=False
    )
    assert_refused(done, f"`{missing}=` is missing.")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        command = [sys.executable, "-m", "tracking.compare", f"file={path}", "control=a", "metric=accuracy"]
        assert_refused(subprocess.run(command, capture_output=True, text=True, check=False), "must be a file to read")


def test_100_megabytes_are_refused_without_reading_them_all(compare):
    content = b"arm,seed,test_accuracy\n" + b"original,1,0.5\n" * (100 * 10**6 // 15)
    done = compare(content)
    assert_refused(done, "`file` must be at most 32 MiB, with one row per trial.")


def test_more_rows_or_arms_than_can_be_compared_are_refused(compare):
    rows = "".join(f"a,{seed},0.5\n" for seed in range(100_001))
    assert_refused(compare("arm,seed,test_accuracy\n" + rows), "must have at most 100,000 rows")
    arms = "".join(f"a{number},1,0.5\n" for number in range(1000))
    assert_refused(compare("arm,seed,test_accuracy\n" + arms), "Column `arm` must hold at most 200 arms")
    arms = "".join(f"a{number},1,0.5\n" for number in range(50))
    refused = compare("arm,seed,test_accuracy\n" + arms, "all_pairs=true", control="a0")
    assert_refused(refused, "`all_pairs` can be asked of at most 40 arms. Received: 50 arms.")


@pytest.mark.parametrize("paired", ["true", "false"])
def test_ten_thousand_rows_are_compared(answer, paired):
    rng = np.random.default_rng(0)
    arms = {arm: np.round(rng.normal(0.9, 0.02, 2500), 5).tolist() for arm in ("original", "b", "c", "d")}
    found = answer(table(arms), f"paired={paired}", "margin=0.01")
    assert [row["n"] for row in found["comparisons"]] == [[2500, 2500]] * 3
    assert all(math.isfinite(row["mann_whitney_p"]) for row in found["comparisons"])


def test_help_and_refusals_load_no_heavy_library(tmp_path):
    code = (
        "import sys; from tracking.compare import main; "
        f"codes = [main(['--help']), main(['file={tmp_path / 'x'}', 'control=a', 'metric=accuracy'])]; "
        "heavy = {'tensorflow', 'keras', 'pandas', 'scipy', 'statsmodels', 'rich', 'hydra'} & set(sys.modules); "
        "assert codes == [0, 2] and not heavy, (codes, heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_comparison_needs_no_training_library(tmp_path):
    (tmp_path / "r.csv").write_text(table())
    code = (
        "import sys; from tracking.compare import main; "
        f"code = main(['file={tmp_path / 'r.csv'}', 'control=original', 'metric=test_accuracy']); "
        "heavy = {'tensorflow', 'keras', 'mlflow', 'optuna', 'hydra', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def assert_refused(done, expected):
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert all(character.isprintable() or character == "\n" for character in done.stderr)
    assert "Traceback" not in done.stderr
