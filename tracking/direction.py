"""Whether more of a metric is better or less, as far as its name tells."""

import re
from typing import Literal

Direction = Literal["max", "min"]

_WORDS = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*")
# fmt: off
_LESS = frozenset({
    "bce", "bpb", "bpc", "brier", "ce", "cer", "cost", "crossentropy", "deviance", "distance", "divergence",
    "duration", "ece", "eer", "entropy", "err", "error", "errors", "fdr", "fid", "fnr", "fpr", "kl", "latency",
    "logloss", "loss", "losses", "mae", "mape", "memory", "misclassification", "mse", "nll", "perplexity",
    "ppl", "regret", "residual", "risk", "rmse", "rmsle", "runtime", "seconds", "smape", "ter", "time", "wer",
})
_MORE = frozenset({
    "acc", "accuracy", "ap", "auc", "auprc", "auroc", "bleu", "chrf", "correct", "correctness", "correlation",
    "dice", "f1", "f2", "fscore", "hits", "iou", "jaccard", "kappa", "likelihood", "map", "mcc", "meteor",
    "miou", "mrr", "ndcg", "pearson", "prc", "precision", "psnr", "r2", "recall", "return", "reward", "roc",
    "rouge", "rouge1", "rouge2", "score", "sensitivity", "spearman", "specificity", "ssim", "success",
    "throughput", "tnr", "top1", "top5", "tpr", "winrate",
})
# fmt: on
_TURNED = frozenset({"neg", "negative"})


def guess(metric: str) -> Direction | None:
    """Return the direction that is better; None if the name holds no word that tells, or words that disagree.

    `neg` turns it, as in scikit-learn's `neg_mean_squared_error` and in `negative_log_likelihood`.
    """
    words = {word.lower() for word in _WORDS.findall(metric)}
    less, more = bool(words & _LESS), bool(words & _MORE)
    if less == more:
        return None
    return "max" if more != bool(words & _TURNED) else "min"
