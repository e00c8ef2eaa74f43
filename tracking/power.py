"""What a study of this size can show, before it runs and after."""

import math


def detectable_difference(
    sds: tuple[float, float], sizes: tuple[int, int], alpha: float, power: float = 0.8
) -> float | None:
    """Return the smallest true difference that a two-sided Welch test finds with probability `power`.

    `sds` and `sizes` are those of treatment and control. `alpha` is the level of the test: for the first step
    of Holm's procedure, the study's alpha / treatments. The result has the unit of `sds`; None where there is
    no test (an arm of one trial, or no variance). The statistic is taken as noncentral t with Satterthwaite's
    degrees of freedom, which is exact for equal variances and sizes (Cohen 1988, 2.2).
    """
    if min(sizes) < 2:
        return None
    errors = [sd / math.sqrt(n) for sd, n in zip(sds, sizes, strict=True)]
    largest = max(errors)
    if not 0 < largest < math.inf:
        return None
    # Relative to the larger one, so that no square overflows.
    parts = [(error / largest) ** 2 for error in errors]
    df = sum(parts) ** 2 / sum(part**2 / (n - 1) for part, n in zip(parts, sizes, strict=True))
    return _detectable(largest * math.sqrt(sum(parts)), df, alpha, power)


def detectable_paired_difference(sd: float, pairs: int, alpha: float, power: float = 0.8) -> float | None:
    """Return the smallest true mean difference that a paired t test finds with probability `power`.

    `sd` is that of the paired differences; otherwise like `detectable_difference`.
    """
    if pairs < 2 or not sd > 0:
        return None
    return _detectable(sd / math.sqrt(pairs), pairs - 1, alpha, power)


def detectable_from_interval(
    width: float, df: float, confidence: float, alpha: float, power: float = 0.8
) -> float | None:
    """Return the smallest true difference found at the level `alpha`, from the t interval of the one that was measured.

    `width` is the whole interval's, at `confidence`, and `df` its degrees of freedom: together they give the standard
    error, whatever the samples were. Otherwise like `detectable_difference`.
    """
    from scipy import special

    standard_error = width / 2 / float(special.stdtrit(df, (1 + confidence) / 2))
    return _detectable(standard_error, df, alpha, power) if 0 < standard_error < math.inf and alpha > 0 else None


def sampling_sd(error_rate: float, n: int) -> float:
    """Return the sd of an accuracy that drawing `n` test examples alone gives: sqrt(err (1 - err) / n).

    Raises:
        ValueError: `error_rate` is outside [0, 1], or `n` is not positive.
    """
    if not 0 <= error_rate <= 1 or n < 1:
        raise ValueError(f"an error rate in [0, 1] of n >= 1 examples. Received: {error_rate}, n={n}")
    return math.sqrt(error_rate * (1 - error_rate) / n)


def _detectable(standard_error: float, df: float, alpha: float, power: float) -> float | None:
    """Solve power = P(|T| > t(1 - alpha/2, df)), T noncentral t, for the noncentrality, and scale it."""
    # scipy.stats would take most of a second to import, and a plan shall answer within one.
    from scipy import optimize, special

    critical = float(special.stdtrit(df, 1 - alpha / 2))

    def shortfall(noncentrality: float) -> float:
        # The other tail is nothing where scipy gives NaN for it. Far out it gives NaN for this one too, so
        # that the upper end is approached from below.
        other = float(special.nctdtr(df, noncentrality, -critical))
        missed = float(special.nctdtr(df, noncentrality, critical)) - (other if math.isfinite(other) else 0.0)
        return power - 1 + missed

    reach = critical
    while shortfall(reach) > 0:
        reach += 1 + reach / 4
    try:
        found = float(optimize.brentq(shortfall, 0.0, reach)) * standard_error
    except (ValueError, RuntimeError):
        return None
    return found if math.isfinite(found) else None
