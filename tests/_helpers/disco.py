"""One call of Disco103 by the names of the golden file, and how far two calls may differ."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.lpg.disco import network, values
from groove.lpg.disco.experience import Outputs, Trajectories
from groove.lpg.disco.losses import losses, total
from groove.lpg.disco.moments import Moments
from groove.lpg.disco.network import Memory
from groove.lpg.disco.step import Course, follow, judge
from groove.lpg.disco.weights import SHAPES

LOSSES = {"pi": "policy", "y": "y", "z": "z", "aux": "next_policy", "value": "value"}
MOMENTS = {"moment1": "first", "moment2": "second", "decay_product": "decayed"}
VALUES = {  # name in the golden file -> field of Values
    "value": "value",
    "target_value": "target_value",
    "q_value": "q_value",
    "target_q_value": "target_q_value",
    "rho": "ratio",
    "q_target": "target",
    "adv": "advantage",
    "q_td": "td_error",
    "qv_adv": "action_advantage",
}


def synthetic_weights(seed=0):
    """Return arrays with the names and shapes of the published file, of the size of trained ones."""
    rng = np.random.default_rng(seed)
    scale = {name: 0.3 if name.endswith("/b") else 1.5 / np.sqrt(shape[-2]) for name, shape in SHAPES.items()}
    return {name: (scale[name] * rng.normal(size=shape)).astype(np.float32) for name, shape in SHAPES.items()}


def synthetic_call(steps=6, batch=3, actions=4, seed=0):
    """Return random inputs of one call under the names of the golden file, in the middle of a lifetime."""
    rng = np.random.default_rng(seed)
    ended = rng.random((steps, batch)) < 0.3
    x = {
        "rewards": rng.normal(size=(steps, batch)) * [0.01, 1.0, 100.0],
        "is_terminal": ended,
        "loss_mask": rng.random((steps, batch)) < 0.8,
        "actions": rng.integers(0, actions, (steps + 1, batch)),
        "behaviour/logits": rng.normal(size=(steps + 1, batch, actions)),
        "rnn/hidden": np.tanh(rng.normal(size=128)),
        "rnn/cell": rng.normal(size=128),
        "params": rng.normal(size=5),
        "target_params": rng.normal(size=5),
        **{f"{name}/moment1": 0.1 for name in ("adv_ema", "td_ema")},
        **{f"{name}/moment2": 2.0 for name in ("adv_ema", "td_ema")},
        **{f"{name}/decay_product": 0.9 for name in ("adv_ema", "td_ema")},
    }
    widths = {"logits": (actions,), "y": (600,), "z": (actions, 600), "aux_pi": (actions, actions), "q": (actions, 601)}
    for net in ("agent", "target"):
        x |= {f"{net}/{name}": 1.5 * rng.normal(size=(steps + 1, batch, *w)) for name, w in widths.items()}
    return {f"in/{name}": np.asarray(value, np.float32) for name, value in x.items()}


def given(x):
    """Return the inputs of a call as (Trajectories, Outputs, target Outputs, Course)."""
    steps = len(x["in/rewards"])
    seen = Trajectories(
        action=jnp.asarray(x["in/actions"][:steps], jnp.int32),
        reward=jnp.asarray(x["in/rewards"]),
        ended=jnp.asarray(x["in/is_terminal"]) > 0,
        behaviour=jnp.asarray(x["in/behaviour/logits"][:steps]),
    )
    agent, target = (
        Outputs(*(jnp.asarray(x[f"in/{net}/{f}"]) for f in Outputs._fields)) for net in ("agent", "target")
    )
    ema = [
        Moments(**{field: jnp.asarray(x[f"in/{name}/{key}"]) for key, field in MOMENTS.items()})
        for name in ("adv_ema", "td_ema")
    ]
    memory = Memory(jnp.asarray(x["in/rnn/hidden"]), jnp.asarray(x["in/rnn/cell"]))
    return seen, agent, target, Course(ema[0], ema[1], memory)


def computed(weights, x):
    """Return every array of a call by the name of the golden file, from the functions of `groove.lpg.disco`."""
    seen, agent, target, course = given(x)
    verdict, after = judge(weights, course, seen, agent, target)
    found = verdict.values
    scaled = values.normalised(found, after.advantage)
    read = network.read(seen, agent, target, found, scaled)
    inputs = network.make_inputs(weights.embedders, read)

    def loss(heads):
        by_step = losses(heads, seen, verdict.targets, found.target)
        return total(by_step, jnp.asarray(x["in/loss_mask"])), by_step

    (whole, by_step), slope = jax.value_and_grad(loss, has_aux=True)(agent)
    one_step = found.target_value[:-1] + jnp.minimum(1, found.ratio) * found.advantage
    edge = jnp.zeros((1, seen.ended.shape[1]))
    return {
        **{f"value/{name}": getattr(found, field) for name, field in VALUES.items()},
        "value/normalized_q_td": found.td_error / after.td_error.centre_and_scale()[1],
        # arrays that the published code computes and that nothing reads
        "value/value_target": one_step,
        "value/td": one_step - found.value[:-1],
        "mask/reset_forward": jnp.concatenate([edge, seen.ended]),
        "mask/reset_backward": jnp.concatenate([seen.ended, edge]),
        "value/normalized_adv": scaled.advantage,
        "value/normalized_qv_adv": scaled.action_advantage,
        "net/inputs": inputs.step,
        "net/action_inputs": inputs.action,
        "net/action_emb": inputs.embedded,
        "net/lstm": network.unroll(weights, inputs, seen.ended),
        "net/meta_rnn_inputs": network.make_inputs(weights.lifetime.embedders, read).step,
        "out/pi": verdict.targets.policy,
        "out/y": verdict.targets.y,
        "out/z": verdict.targets.z,
        "out/meta_input_emb": verdict.targets.summary,
        **{f"loss/{name}": getattr(by_step, field) for name, field in LOSSES.items()},
        "loss/per_step": by_step.weighted(),
        "loss/total": whole,
        "grad/logits": slope.logits,
        "grad/aux_pi": slope.aux_pi,
        **{f"grad/{name}_norm": jnp.linalg.norm(getattr(slope, name), axis=-1) for name in ("y", "z", "q")},
        **{f"state/adv_ema/{key}": getattr(after.advantage, field) for key, field in MOMENTS.items()},
        **{f"state/td_ema/{key}": getattr(after.td_error, field) for key, field in MOMENTS.items()},
        "state/rnn/hidden": after.memory.hidden,
        "state/rnn/cell": after.memory.cell,
        "state/target_params": follow(jnp.asarray(x["in/target_params"]), jnp.asarray(x["in/params"])),
    }


def tolerance(name):
    """Return how far an array may differ, as a share of its largest entry."""
    return {"state/adv_ema/moment1": 1e-3, "grad/q_norm": 5e-3}.get(name, 1e-4)


def error(wanted, found):
    """Return the largest difference as a share of the largest entry."""
    wanted, found = np.asarray(wanted, np.float64), np.asarray(found, np.float64)
    assert wanted.shape == found.shape
    return float(np.abs(wanted - found).max() / max(np.abs(wanted).max(), 1e-30))
