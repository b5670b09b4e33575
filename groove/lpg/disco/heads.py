"""The heads of agents: names and widths; this module does not import JAX, so that groove.torch works without JAX."""

WIDTH = 600  # width of the predictions y and z
LARGEST_BIN = 300
BINS = 2 * LARGEST_BIN + 1  # of values: the integers from -300 to 300, on the squashed scale
ACTION_PREDICTION = "z"  # the head of the prediction of each action: logits over 600 categories, for A actions
NEXT_POLICY = "aux_pi"  # the head of the policy after each action: logits over A actions, for A actions
ACTION_VALUE = "q"  # the head of the value of each action: logits over 601 bins, for A actions
BY_ACTION = (ACTION_PREDICTION, NEXT_POLICY, ACTION_VALUE)  # heads that have outputs for every action


def head_widths(num_actions: int) -> dict[str, int]:
    """Return the heads that agents need, name -> width; the heads of `BY_ACTION` have A groups of equal width."""
    by_action = {ACTION_PREDICTION: WIDTH, NEXT_POLICY: num_actions, ACTION_VALUE: BINS}
    groups = {name: num_actions * width for name, width in by_action.items()}
    return {"logits": num_actions, "y": WIDTH, **groups}  # LOGITS and PREDICTION of groove.types
