"""One call of Disco103 in PyTorch by the names of the golden file."""

import numpy as np
import torch

from groove.torch.disco import network, values
from groove.torch.disco.experience import Outputs, Trajectories
from groove.torch.disco.losses import losses, total
from groove.torch.disco.moments import Moments
from groove.torch.disco.network import Memory
from groove.torch.disco.step import Course, follow, judge
from tests._helpers.disco import LOSSES, MOMENTS, VALUES


def given(x):
    """Return the inputs of a call as (Trajectories, Outputs, target Outputs, Course)."""
    x = {name: torch.tensor(np.asarray(v, np.float32)) for name, v in x.items()}
    steps = len(x["in/rewards"])
    seen = Trajectories(
        action=x["in/actions"][:steps].long(),
        reward=x["in/rewards"],
        ended=x["in/is_terminal"] > 0,
        behaviour=x["in/behaviour/logits"][:steps],
    )
    agent, target = (Outputs(*(x[f"in/{net}/{f}"] for f in Outputs._fields)) for net in ("agent", "target"))
    ema = [
        Moments(**{field: x[f"in/{name}/{key}"] for key, field in MOMENTS.items()}) for name in ("adv_ema", "td_ema")
    ]
    return seen, agent, target, Course(*ema, Memory(x["in/rnn/hidden"], x["in/rnn/cell"]))


def computed(rule, x):
    """Return the arrays of a call by the name of the golden file, from the functions of `groove.torch.disco`."""
    seen, agent, target, course = given(x)
    verdict, after = judge(rule, course, seen, agent, target, torch.ones_like(seen.ended))
    found = verdict.values
    scaled = values.normalised(found, after.advantage)
    read = network.read(seen, agent, target, found, scaled)
    inputs = rule.embedders(read)
    heads = Outputs(*(x.requires_grad_() for x in agent))
    by_step = losses(heads, seen, verdict.targets, found.target)
    whole = total(by_step, torch.tensor(x["in/loss_mask"]))
    slope = Outputs(*torch.autograd.grad(whole, heads))
    params = {name: {"x": torch.tensor(x[f"in/{name}"])} for name in ("target_params", "params")}
    arrays = {
        **{f"value/{name}": getattr(found, field) for name, field in VALUES.items()},
        "value/normalized_adv": scaled.advantage,
        "value/normalized_qv_adv": scaled.action_advantage,
        "net/inputs": inputs.step,
        "net/action_inputs": inputs.action,
        "net/action_emb": inputs.embedded,
        "net/lstm": rule.unroll(inputs, seen.ended),
        "net/meta_rnn_inputs": rule.lifetime.embedders(read).step,
        "out/pi": verdict.targets.policy,
        "out/y": verdict.targets.y,
        "out/z": verdict.targets.z,
        "out/meta_input_emb": verdict.targets.summary,
        **{f"loss/{name}": getattr(by_step, field) for name, field in LOSSES.items()},
        "loss/per_step": by_step.weighted(),
        "loss/total": whole,
        "grad/logits": slope.logits,
        "grad/aux_pi": slope.aux_pi,
        **{f"grad/{name}_norm": getattr(slope, name).norm(dim=-1) for name in ("y", "z", "q")},
        **{f"state/adv_ema/{key}": getattr(after.advantage, field) for key, field in MOMENTS.items()},
        **{f"state/td_ema/{key}": getattr(after.td_error, field) for key, field in MOMENTS.items()},
        "state/rnn/hidden": after.memory.hidden,
        "state/rnn/cell": after.memory.cell,
        "state/target_params": follow(params["target_params"], params["params"])["x"],
    }
    return {name: x.detach().numpy() for name, x in arrays.items()}
