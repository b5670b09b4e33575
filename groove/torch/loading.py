"""Learned rules by name, as PyTorch modules."""

from collections.abc import Mapping

from groove.dropin.disco_file import read_arrays, refuse_without_weights, weights_path
from groove.dropin.rule_file import RuleFileError, find_rule_file, load_rule
from groove.lpg.disco import NAME as DISCO
from groove.lpg.disco.weights import from_arrays, from_tree
from groove.lpg.lpg_config import LPGConfig
from groove.torch.disco.rule import DiscoRule
from groove.torch.rule import Rule
from groove.utils.paths import PathLike
from groove.utils.typed_fields import from_dict, range_complaints, to_dict


def load(name: PathLike) -> Rule | DiscoRule:
    """Load a learned rule; no code from files is run.

    Args:
      name: the name of a released rule, the directory of a run, a rule file, or "disco103=PATH"; "~" is the home
        folder.

    Raises:
      GrooveError: if there is no such rule, its file is damaged, or the rule is of another kind.
    """
    if (weights := weights_path(name)) is not None:
        return DiscoRule(DISCO, from_arrays(read_arrays(weights), weights))
    refuse_without_weights(name)
    eta, about = load_rule(path := find_rule_file(name))
    if about.get("rule") == DISCO:
        return DiscoRule(str(name), from_tree(eta, str(path)))
    if about.get("rule") != "lpg" or not isinstance(about.get("lpg"), Mapping):
        raise RuleFileError(
            f"{path} does not hold an LPG rule: make one with launch/meta_train.py, or use groove.load."
        )
    config = from_dict(LPGConfig(), about["lpg"])
    if complaints := list(range_complaints(config, "lpg.")):
        raise RuleFileError(f"{path} has settings that no rule can have: {' '.join(complaints)}")
    return Rule(str(name), to_dict(config), eta)
