"""Learned rules by name, as PyTorch modules."""

from groove.dropin.rule_file import RuleFileError, find_rule_file, load_rule
from groove.torch.rule import Rule
from groove.utils.paths import PathLike


def load(name: PathLike) -> Rule:
    """Load a learned rule; no code from files is run.

    Args:
      name: the name of a released rule, the directory of a run, or a rule file; "~" is the home folder.

    Raises:
      GrooveError: if there is no such rule, its file is damaged, or the rule is not an LPG rule.
    """
    eta, about = load_rule(path := find_rule_file(name))
    if about.get("rule") != "lpg" or "lpg" not in about:
        raise RuleFileError(f"{path} does not hold an LPG rule: make one with launch/meta_train.py.")
    return Rule(str(name), about["lpg"], eta)
