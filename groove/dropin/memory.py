"""The memory that rules have of an agent's lifetime, as training loops pass it from one update to the next."""

from typing import Any

import numpy as np

from groove.dropin.arrays import as_numbers
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.value_lpg import rule_state
from groove.types import PyTree
from groove.utils.errors import GrooveError


def check_state(rule: str, config: LPGConfig, state: PyTree) -> None:
    """Refuse a state that a rule would not read, or that is none of its own.

    Args:
      rule: name of the rule, for the message.
      config: of the rule.
      state: the state; None or () for rules without a memory.

    Raises:
      GrooveError: that says where the state comes from.
    """
    usual: Any = rule_state(config)
    if usual == ():
        if state is not None and not (isinstance(state, tuple) and not state):
            raise GrooveError(f'the rule "{rule}" has no memory and would not read state: leave state out.')
        return
    if not isinstance(state, type(usual)):
        raise GrooveError(
            f'the rule "{rule}" remembers its agent\'s lifetime, which it needs as state: use rule.update or '
            "groove.as_optax, which keep the state, or begin with state = rule.init_state() and give every loss "
            "state=(state := rule.observe(state, rollout))."
        )
    for name, x in state._asdict().items():
        if shape := np.shape(as_numbers(f"state.{name}", x)):
            raise GrooveError(f"state.{name} must be one number, not {shape}: begin with rule.init_state().")
