"""The outcome of a run as a few lines of text."""

from collections.abc import Mapping
from typing import Any

from groove.training.settings.config import BASELINE, BASELINE_LABEL
from groove.utils.text import duration, quantity

_LABEL_WIDTH = 15
_UNTRAINED = "untrained rule"  # unless the run started from another rule
_HEADLINES = {  # label -> metric, and the prefix of the ends of its interval
    "learned rule": ("normalised_return", "normalised"),
    _UNTRAINED: ("untrained_normalised", "untrained"),
}
_RETURNS = {"student_return": "learned rule", f"{BASELINE}_return": BASELINE_LABEL, "untrained_return": _UNTRAINED}


def summary_text(summary: Mapping[str, Any]) -> str:
    """Return the outcome of a run in a few lines, the validated returns first.

    Args:
      summary: the last value of each metric by its name in metrics.jsonl, and optionally `run_dir`, `stopped` (why the
        run ended early) and `first_rule` (what the rule before meta-training is called). Missing values and None are
        left out.
    """
    known = {name: value for name, value in summary.items() if value is not None}
    rows = {
        "returns": _returns(known),
        "trained for": _effort(known),
        "skipped": _skipped(known),
        "stopped": str(known.get("stopped", "")),
        "files": str(known.get("run_dir", "")),
    }
    lines = [f"{label:<{_LABEL_WIDTH}} {text}" for label, text in rows.items() if text]
    return "\n".join([*_headlines(known), *lines])


def _headlines(known: Mapping[str, Any]) -> list[str]:
    lines = []
    for label, (metric, prefix) in _HEADLINES.items():
        value = known.get(f"validation/{metric}")
        label = _first_rule(label, known)
        if value is not None:
            low, high = known.get(f"validation/{prefix}_low"), known.get(f"validation/{prefix}_high")
            interval = f"  [{low:.2f}, {high:.2f}]" if low is not None and high is not None else ""
            lines.append(f"{label:<{_LABEL_WIDTH}} {value:.2f} of {BASELINE_LABEL}'s return on unseen levels{interval}")
    for name, value in known.items():
        source, _, metric = name.partition("/validation/")
        if metric == "normalised_return":
            low, high = (known[f"{source}/validation/normalised_{end}"] for end in ("low", "high"))
            lines.append(
                f"{'  on ' + source:<{_LABEL_WIDTH}} {value:.2f} of {BASELINE_LABEL}'s  [{low:.2f}, {high:.2f}]"
            )
    gain, low, high = (known.get(f"validation/{name}") for name in ("gain", "gain_low", "gain_high"))
    if gain is not None and low is not None and high is not None:
        text = f"{gain:+.2f} of {BASELINE_LABEL}'s return, level by level  [{low:+.2f}, {high:+.2f}]"
        lines.append(f"{'gain':<{_LABEL_WIDTH}} {text}")
        if high < 0:
            text = (
                f"worse than the {_first_rule(_UNTRAINED, known)}; the best rule of the run is in best_rule.safetensors"
            )
            lines.append(f"{'warning':<{_LABEL_WIDTH}} {text}")
    return lines or ["The rule was not validated."]


def _returns(known: Mapping[str, Any]) -> str:
    named = {
        _first_rule(label, known).removesuffix(" rule"): known.get(f"validation/{name}")
        for name, label in _RETURNS.items()
    }
    return ", ".join(f"{label} {value:.3f}" for label, value in named.items() if value is not None)


def _first_rule(label: str, known: Mapping[str, Any]) -> str:
    return str(known.get("first_rule", label)) if label == _UNTRAINED else label


def _effort(known: Mapping[str, Any]) -> str:
    parts = [f"{known['step']:,} meta-steps"] if "step" in known else []
    parts += [f"{quantity(known['env_steps'])} environment steps"] if "env_steps" in known else []
    parts += [f"in {duration(known['seconds'])}"] if "seconds" in known else []
    return ", ".join(parts)


def _skipped(known: Mapping[str, Any]) -> str:
    return f"{known['skipped']:,.0f} meta-gradients that were not finite" if known.get("skipped") else ""
