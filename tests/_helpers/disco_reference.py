"""Disco103 in plain NumPy and float64, written from its formulas alone: loops over time, no code of `groove`.

`call` computes one call of the rule from a mapping of inputs, and returns every intermediate array by name.
"""

import numpy as np

HYPER = {"discount": 0.997, "trace": 0.95, "bins": 300, "slope": 1e-3}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def slog(x):
    return np.sign(x) * np.log(1 + abs(x))


def h(x):
    return np.sign(x) * (np.sqrt(abs(x) + 1) - 1) + HYPER["slope"] * x


def h_inverse(x):
    e = HYPER["slope"]
    k = (np.sqrt(1 + 4 * e * (abs(x) + 1 + e)) - 1) / (2 * e)
    return np.sign(x) * (k**2 - 1)


def two_hot(x):
    top = HYPER["bins"]
    x = np.clip(x, -top, top)
    out = np.zeros((*np.shape(x), 2 * top + 1))
    for place in np.ndindex(*np.shape(x)):
        low, high = int(np.floor(x[place])), int(np.ceil(x[place]))
        share = (high - x[place]) / (high - low + 1e-5)
        out[(*place, low + top)] += share
        out[(*place, high + top)] += 1 - share
    return out


def taken(x, action):
    """The entries of the actions taken: [T, B, A, ...] and [T, B]."""
    return np.array([[x[t, b, action[t, b]] for b in range(action.shape[1])] for t in range(action.shape[0])])


def lstm_cell(w, b, state, x):
    hidden, cell = state
    i, g, f, o = np.split(np.concatenate([x, hidden], -1) @ w + b, 4, -1)
    cell = sigmoid(f + 1) * cell + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(cell), cell


def moments(before, x):
    first, second, decayed = (before[name] for name in ("moment1", "moment2", "decay_product"))
    return {
        "moment1": 0.99 * first + 0.01 * x.mean(),
        "moment2": 0.99 * second + 0.01 * (x**2).mean(),
        "decay_product": 0.99 * decayed,
    }


def centre_and_scale(m):
    mean = m["moment1"] / (1 - m["decay_product"])
    variance = max(0.0, m["moment2"] / (1 - m["decay_product"]) - mean**2)
    return mean, np.sqrt(variance + 1e-12) + 1e-6


class Net:
    """The weights of a file under a prefix."""

    def __init__(self, weights, prefix):
        self.weights, self.prefix = weights, prefix

    def linear(self, name, x):
        w, b = (np.asarray(self.weights[f"{self.prefix}{name}/{part}"], np.float64) for part in ("w", "b"))
        return x @ (w[0] if w.ndim == 3 else w) + b

    def mlp(self, name, x):
        hidden = np.maximum(self.linear(f"{name}/~/linear_0", x), 0)
        return self.linear(f"{name}/~/linear_1", hidden)[..., 0]

    def lstm(self, state, x):
        w, b = (np.asarray(self.weights[f"{self.prefix}lstm/linear/{part}"], np.float64) for part in ("w", "b"))
        return lstm_cell(w, b, state, x)


def with_mean(x):
    """An action's own numbers, then their mean over actions."""
    return np.concatenate([x, np.broadcast_to(x.mean(2, keepdims=True), x.shape)], -1)


def make_inputs(net, given):
    """The 27 inputs of a transition, the 9 inputs of an action, and the two numbers of an action."""
    pi, mu, target_pi, action = given["pi"], given["mu"], given["target_pi"], given["action"]
    y, target_y = (net.mlp("mlp", softmax(given[name])) for name in ("y", "target_y"))
    z, target_z = (net.mlp("mlp_1", softmax(given[name])) for name in ("z", "target_z"))
    steps, actions = len(action), pi.shape[-1]
    per_action = np.stack(
        [
            *(x[:steps] for x in (pi, mu, target_pi, z, target_z, slog(given["target_q"]), slog(given["qv_adv"]))),
            given["normalized_qv_adv"][:steps],
            np.eye(actions)[action],
        ],
        -1,
    )
    embedded = np.maximum(net.linear("sequential/conv1_d", with_mean(per_action)), 0)
    embedded = np.maximum(net.linear("sequential/conv1_d_1", with_mean(embedded)), 0)
    columns = [taken(pi, action), taken(mu, action), slog(given["reward"]), 1 - given["ended"]]
    columns += [slog(given["value"])[:-1], slog(given["value"])[1:], slog(given["adv"]), given["normalized_adv"]]
    columns += [taken(target_pi, action), y[:-1], y[1:], target_y[:-1], target_y[1:]]
    for each in (z, target_z):
        mean, largest = (pi * each).sum(-1), each.max(-1)
        columns += [taken(each, action), mean[:-1], mean[1:], largest[:-1], largest[1:]]
    step = np.concatenate([np.stack(columns, -1), embedded.mean(2), taken(embedded, action)], -1)
    return step, per_action, embedded


def call(weights, inputs):
    """Return every array of one call of the rule, by the names of the golden file.

    Args:
      weights: the arrays of a weights file.
      inputs: the arrays "in/..." of a call.
    """
    x = {name.removeprefix("in/"): np.asarray(v, np.float64) for name, v in inputs.items() if name.startswith("in/")}
    out = values_of(x)
    steps = len(x["rewards"])
    given = {
        "pi": softmax(x["agent/logits"]),
        "mu": softmax(x["behaviour/logits"]),
        "target_pi": softmax(x["target/logits"]),
        "action": x["actions"][:steps].astype(int),
        "reward": x["rewards"],
        "ended": x["is_terminal"],
        **{name: x[f"agent/{name}"] for name in ("y", "z")},
        **{f"target_{name}": x[f"target/{name}"] for name in ("y", "z")},
        "target_q": out["value/target_q_value"],
        **{name: out[f"value/{name}"] for name in ("value", "adv", "qv_adv", "normalized_adv", "normalized_qv_adv")},
    }
    targets = targets_of(Net(weights, "lstm/"), given, x["rnn/hidden"])
    out |= targets
    own = Net(weights, "lstm/~/meta_lstm/~unroll/")
    told, _, _ = make_inputs(own, given)
    out["net/meta_rnn_inputs"] = told
    more = [told, targets["out/meta_input_emb"], own.mlp("mlp", softmax(targets["out/y"]))[..., None]]
    summary = own.linear("mlp_2/~/linear_0", np.concatenate(more, -1)).mean((0, 1))
    out["state/rnn/hidden"], out["state/rnn/cell"] = own.lstm((x["rnn/hidden"], x["rnn/cell"]), summary)
    out["state/target_params"] = 0.9 * x["target_params"] + 0.1 * x["params"]
    return out | losses_of(x, out)


def values_of(x):
    """Values, Retrace targets, advantages and their running scale."""
    steps, gamma = len(x["rewards"]), HYPER["discount"] * (1 - x["is_terminal"])
    action = x["actions"][:steps].astype(int)
    pi, mu = softmax(x["agent/logits"]), softmax(x["behaviour/logits"])
    bins = np.arange(-HYPER["bins"], HYPER["bins"] + 1)
    q, target_q = (h_inverse((softmax(x[f"{net}/q"]) * bins).sum(-1)) for net in ("agent", "target"))
    value, target_value = (pi * q).sum(-1), (pi * target_q).sum(-1)
    rho = taken(pi, action) / taken(mu, action)
    goal = np.zeros_like(x["rewards"])
    for t in reversed(range(steps)):
        later = target_value[t + 1]
        if t < steps - 1:
            trace = HYPER["trace"] * np.minimum(1, rho[t + 1])
            later = later + trace * (goal[t + 1] - taken(target_q, action)[t + 1])
        goal[t] = x["rewards"][t] + gamma[t] * later
    adv, q_td = goal - target_value[:-1], goal - taken(q, action)
    qv_adv = target_q - target_value[..., None]
    adv_ema, td_ema = (
        moments({n: x[f"{name}/{n}"] for n in ("moment1", "moment2", "decay_product")}, data)
        for name, data in (("adv_ema", adv), ("td_ema", q_td))
    )
    mean, scale = centre_and_scale(adv_ema)
    value_target = target_value[:-1] + np.minimum(1, rho) * adv
    return {
        "value/value": value,
        "value/target_value": target_value,
        "value/q_value": q,
        "value/target_q_value": target_q,
        "value/rho": rho,
        "value/q_target": goal,
        "value/adv": adv,
        "value/q_td": q_td,
        "value/qv_adv": qv_adv,
        "value/normalized_adv": (adv - mean) / scale,
        "value/normalized_qv_adv": (qv_adv - mean) / scale,
        "value/normalized_q_td": q_td / centre_and_scale(td_ema)[1],
        "value/value_target": value_target,
        "value/td": value_target - value[:-1],
        **{f"state/adv_ema/{name}": v for name, v in adv_ema.items()},
        **{f"state/td_ema/{name}": v for name, v in td_ema.items()},
    }


def targets_of(net, given, lifetime_hidden):
    """The targets of the heads, and the stages before them."""
    step, per_action, embedded = make_inputs(net, given)
    steps, batch, actions = len(step), step.shape[1], embedded.shape[2]
    state = np.zeros((batch, 256)), np.zeros((batch, 256))
    hidden = np.zeros((steps, batch, 256))
    for t in reversed(range(steps)):
        keep = 1 - given["ended"][t][:, None]
        state = net.lstm((state[0] * keep, state[1] * keep), step[t])
        hidden[t] = state[0]
    gated = hidden * net.linear("linear", lifetime_hidden)
    own = np.concatenate([np.repeat(gated[:, :, None], actions, 2), embedded], -1)
    policy = net.linear("linear_4", np.maximum(net.linear("sequential_1/conv1_d", with_mean(own)), 0))[..., 0]
    return {
        "net/inputs": step,
        "net/action_inputs": per_action,
        "net/action_emb": embedded,
        "net/lstm": hidden,
        "out/pi": policy,
        "out/y": net.linear("linear_2", gated),
        "out/z": net.linear("linear_3", gated),
        "out/meta_input_emb": net.linear("linear_1", gated),
    }


def losses_of(x, out):
    """The losses of every transition, their masked mean, and its gradients by the logits of the heads."""
    steps, ended, mask = len(x["rewards"]), x["is_terminal"], x["loss_mask"]
    action = x["actions"][:steps].astype(int)
    goal = two_hot(h(out["value/q_target"]))
    online = {"pi": x["agent/logits"][:-1], "y": x["agent/y"][:-1]}
    online |= {name: taken(x[f"agent/{key}"], action) for name, key in (("z", "z"), ("aux", "aux_pi"), ("value", "q"))}
    wanted = {name: softmax(out[f"out/{name}"]) for name in ("pi", "y", "z")}
    wanted |= {"aux": softmax(x["agent/logits"][1:]), "value": goal}
    entropy = {name: np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(-1) for name, p in wanted.items()}
    loss = {name: entropy[name] - (p * log_softmax(online[name])).sum(-1) for name, p in wanted.items()}
    loss["value"] = loss["value"] - entropy["value"]  # a cross-entropy
    loss["aux"] = loss["aux"] * (1 - ended)
    per_step = loss["pi"] + loss["y"] + loss["z"] + loss["aux"] + 0.2 * loss["value"]
    share = mask / (mask.sum() + 1e-8)
    factor = {"pi": share, "y": share, "z": share, "aux": share * (1 - ended), "value": 0.2 * share}
    slope = {
        name: factor[name][..., None] * (softmax(online[name]) * wanted[name].sum(-1, keepdims=True) - wanted[name])
        for name in wanted
    }
    gradients = {name: np.zeros_like(x[f"agent/{name}"]) for name in ("logits", "y", "z", "aux_pi", "q")}
    gradients["logits"][:-1], gradients["y"][:-1] = slope["pi"], slope["y"]
    for t, b in np.ndindex(*action.shape):
        for name, key in (("z", "z"), ("aux", "aux_pi"), ("value", "q")):
            gradients[key][t, b, action[t, b]] = slope[name][t, b]
    return {
        **{f"loss/{name}": v for name, v in loss.items()},
        "loss/per_step": per_step,
        "loss/total": (mask * per_step).sum() / (mask.sum() + 1e-8),
        **{f"grad/{name}": gradients[name] for name in ("logits", "aux_pi")},
        **{f"grad/{name}_norm": np.linalg.norm(gradients[name], axis=-1) for name in ("y", "z", "q")},
    }
