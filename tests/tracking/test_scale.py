"""Rounding for readers."""

import pytest

from tracking.scale import duration, p_equals, p_value, scale, tenths, two_decimals, with_interval


def test_accuracy_is_shown_in_percent_with_the_decimals_that_its_spread_supports():
    assert scale("test_accuracy", [0.0023, 0.0041]).value(0.94087) == "94.09"
    assert scale("train_accuracy", [0.000021]).value(0.9998512) == "99.9851"
    assert scale("test_accuracy", [0.0023]).heading == "test accuracy, %"


def test_loss_is_shown_as_it_is():
    assert scale("test_loss", [0.0093]).value(0.61068712) == "0.6107"
    assert scale("train_loss", [None], [0.0014878]).value(0.0014878) == "0.00149"
    assert scale("test_loss", [0.5]).heading == "test loss"


def test_differences_carry_their_sign_and_zero_has_none_too_many():
    shown = scale("test_accuracy", [0.0023])
    assert (shown.difference(0.0052), shown.difference(-0.0052)) == ("+0.52", "-0.52")
    assert shown.difference(-0.0000001) == "+0.00"
    assert shown.value(-0.0000001) == "0.00"
    assert shown.interval(-0.01, 0.02, signed=True) == "[-1.00, +2.00]"


def test_what_is_not_defined_is_an_empty_cell():
    shown = scale("test_loss", [])
    assert (shown.value(None), shown.difference(None), shown.interval(None, 1.0)) == ("", "", "")
    assert (p_value(None), duration(None)) == ("", "")


def test_sizes_have_two_digits_and_margins_are_as_declared():
    assert scale("test_accuracy", []).points(0.00912) == "0.91 pp"
    assert scale("test_loss", []).points(12.3) == "12"
    assert (scale("test_accuracy", []).points(4.61), scale("test_loss", []).points(461.0)) == ("over 100 pp", "461")
    assert scale("test_accuracy", []).margin(0.005) == "0.5 pp"


def test_p_values_have_three_decimals_and_are_never_zero():
    assert (p_value(0.04), p_value(0.00099), p_value(1.0)) == ("0.040", "<0.001", "1.000")
    assert (p_equals(0.04), p_equals(0.0)) == ("= 0.040", "< 0.001")


def test_numbers_without_a_unit_have_two_decimals_and_no_minus_before_zero():
    assert (two_decimals(-0.004), two_decimals(2.075), two_decimals(None)) == ("0.00", "2.08", "")
    assert (tenths(-0.04), tenths(3.26)) == ("+0.0", "+3.3")
    assert with_interval(-1.0, -2.0, -0.001) == "-1.00 [-2.00, 0.00]"
    assert (with_interval(1e6, None, None), with_interval(None, None, None)) == ("1000000.00", "")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(2.34, "2.3 s"), (59.94, "59.9 s"), (59.96, "0:01:00"), (75.4, "0:01:15"), (7514, "2:05:14")]
)
def test_times_are_seconds_under_a_minute_and_clock_times_above(seconds, shown):
    assert duration(seconds) == shown


def test_an_accuracy_that_is_no_fraction_is_shown_as_it_is():
    shown = scale("test_accuracy", [0.23], [94.09])
    assert (shown.value(94.087), shown.difference(0.52), shown.heading) == ("94.09", "+0.52", "test accuracy")
    assert scale("val_acc", [0.0023], [0.9409]).value(0.94087) == "94.09"


def test_other_metrics_have_the_digits_of_their_spread():
    assert scale("bleu", [2.1], [27.3]).value(27.31) == "27.3"
    assert scale("perplexity", [0.021], [12.0]).value(12.3456) == "12.346"
    assert scale("log_likelihood", [None], [-1234.5]).value(-1234.5) == "-1234"


def test_numbers_that_no_column_holds_get_an_exponent():
    assert scale("loss", [1e300]).value(2.5e300) == "2.5e+300"
    assert scale("loss", [1e-300]).difference(1e300) == "+1e+300"
    assert scale("loss", [], [0.0]).value(0.0) == "0.000"
