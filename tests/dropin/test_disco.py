"""Disco103 by name and in a training loop of one's own, with weights of random numbers."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import groove
from groove.agents.agent import bounded_adam
from groove.dropin.find import find_rule, find_rules, named_rule
from groove.dropin.load import load_lpg
from groove.dropin.rule_file import save_rule
from groove.lpg.disco.experience import as_outputs
from groove.lpg.disco.losses import losses, total
from groove.lpg.disco.rule import as_trajectories
from groove.lpg.disco.step import judge
from groove.training.antagonists import pin_antagonist, short_name
from groove.utils.errors import GrooveError
from tests._helpers.disco import synthetic_weights
from tests._helpers.rules import padded, random_rollout

A = 3
WIDTHS = {"logits": A, "y": 600, "z": A * 600, "aux_pi": A * A, "q": A * 601}
ROLLOUT = random_rollout(4, 2, A)
OPTIMIZER = bounded_adam(1e-3, most=1.0)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "weights.npz"
    np.savez(file, **synthetic_weights())
    return str(file)


def _apply(params, obs):
    hidden = jnp.tanh(obs @ params["torso"])
    return {name: hidden @ params[name] for name in WIDTHS}


@pytest.fixture(scope="module")
def params():
    rng = np.random.default_rng(0)
    sizes = {"torso": (7, 5), **{name: (5, width) for name, width in WIDTHS.items()}}
    return {name: (0.3 * rng.normal(size=size)).astype(np.float32) for name, size in sizes.items()}


def test_names_labels_and_settings(path, tmp_path, monkeypatch):
    rule = find_rule(f"disco103={path}")
    assert (rule.name, rule.rule.name, rule.about["rule"]) == ("disco103", "disco103", "disco103")
    assert path not in str(rule.about)
    labelled = find_rule(f"deepmind=disco103={path}")
    assert (labelled.name, labelled.identity, labelled.kind) == ("deepmind", rule.identity, rule.kind)
    changed = find_rule(f"disco103={path}[uses=4;learning_rate=0.01]")
    assert changed.name == "disco103[uses=4;learning_rate=0.01]"
    assert len({rule.identity, changed.identity}) == len({rule.kind, changed.kind}) == 2
    np.savez(tmp_path / "other.npz", **synthetic_weights(seed=1))
    other = find_rule(f"other=disco103={tmp_path}/other.npz")
    assert other.kind == rule.kind  # one program serves both
    assert other.identity != rule.identity
    assert [each.name for each in find_rules([f"disco103={path}", "a2c"])] == ["disco103", "a2c"]
    monkeypatch.chdir(tmp_path)
    pinned = pin_antagonist("rule:disco103=other.npz[uses=1]")
    assert re.fullmatch(rf"rule:disco103={re.escape(str(tmp_path))}/other.npz\[uses=1\]#[0-9a-f]{{16}}", pinned)
    assert pin_antagonist(pinned) == pinned
    assert short_name(pinned) == "other.npz[uses=1]"


def test_a_rule_file_of_meta_training_is_the_same_rule(path, tmp_path):
    rule = find_rule(f"disco103={path}[uses=4]")
    file, settings = tmp_path / "tuned.safetensors", dataclasses.asdict(rule.config)
    save_rule(file, rule.eta, {"rule": "disco103", "disco103": settings, "meta_steps": 7})
    tuned = find_rule(str(file))
    assert (tuned.name, tuned.kind, tuned.config) == ("tuned", rule.kind, rule.config)
    assert tuned.about["meta_steps"] == 7
    loaded = groove.load(file)
    assert loaded.heads(A) == WIDTHS
    for eta in (tuned.eta, loaded.eta):
        jax.tree.map(np.testing.assert_array_equal, eta, rule.eta)
    save_rule(file, rule.eta._replace(gate=rule.eta.y), {"rule": "disco103", "disco103": settings})
    with pytest.raises(GrooveError, match=r"gate/b is float32\[600\] and should be float32\[256\]: get it again"):
        groove.load(file)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("disco103", "disco103 lacks its weights: write disco103=PATH, the path of disco_103.npz from github.com"),
        ("disco103=", "disco103= is empty"),
        ("disco103=nowhere.npz", "there are no weights of disco103 at nowhere.npz: write disco103=PATH"),
        ("disco103=.", "there are no weights of disco103 at .: write"),
        ("disco103=text.npz", "text.npz is no .npz file ("),
        ("disco103=single.npz", "single.npz is no .npz file (File is not a zip file)"),
        ("disco103=torn.npz", "torn.npz is no .npz file ("),
        ("disco103=lacking.npz", "lacking.npz lacks the array lstm/linear/w: give disco_103.npz"),
        ("disco103=shape.npz", "shape.npz has lstm/linear/w of shape (2, 2), not (128, 256): give disco_103.npz"),
        ("disco103=PATH[use=3]", '(did you mean "uses"?)'),
        ("disco103=PATH[uses=0]", "disco103.uses = 0 must be at least 1"),
    ],
)
def test_other_names_and_files_are_refused_in_one_line(path, tmp_path, monkeypatch, name, complaint):
    monkeypatch.chdir(tmp_path)
    arrays = synthetic_weights()
    (tmp_path / "text.npz").write_text("not a file of arrays")
    with open("single.npz", "wb") as file:
        np.save(file, np.zeros(3))
    with open(path, "rb") as file:
        (tmp_path / "torn.npz").write_bytes(file.read()[:5000])
    np.savez("shape.npz", **{**arrays, "lstm/linear/w": np.zeros((2, 2))})
    arrays.pop("lstm/linear/w")
    np.savez("lacking.npz", **arrays)
    with pytest.raises(GrooveError, match=re.escape(complaint)) as raised:
        named_rule(name.replace("PATH", path))
    assert "\n" not in str(raised.value)


def test_places_that_need_another_kind_of_rule_say_so(path):
    rule = groove.load(f"disco103={path}")
    assert (rule.name, rule.heads(A)) == ("disco103", WIDTHS)
    with pytest.raises(GrooveError, match=r'of the kind "disco103", and groove\.load reads the kind "lpg" only'):
        load_lpg(f"disco103={path}")
    with pytest.raises(GrooveError, match=r"as_optax cannot hold the target network .* use rule\.update"):
        groove.as_optax(rule, _apply, OPTIMIZER)


@pytest.mark.slow
def test_an_update_goes_towards_the_targets_of_the_rule(path, params):
    rule = groove.load(f"disco103={path}")
    learner = rule.init(params, OPTIMIZER)
    behaviour = np.random.default_rng(3).normal(size=(4, 2, A)).astype(np.float32)
    update = jax.jit(lambda learner, rollout, mu: rule.update(learner, _apply, OPTIMIZER, rollout, behaviour=mu))
    after, info = update(learner, ROLLOUT, behaviour)

    # the same step by hand, through the gradient of the loss by the parameters
    @jax.jit
    def by_hand(params):
        batch = as_trajectories(jax.tree.map(jnp.asarray, ROLLOUT), jnp.asarray(behaviour))

        def outputs(params):
            return as_outputs(
                {name: x.reshape(5, 2, -1) for name, x in _apply(params, batch.obs.reshape(10, 7)).items()}
            )

        heads, state = outputs(params), learner.rule_state
        verdict, course = judge(rule.eta, state.course, batch.seen, heads, outputs(state.target))

        def loss(params):
            return total(losses(outputs(params), batch.seen, verdict.targets, verdict.values.target))

        value, slope = jax.value_and_grad(loss)(params)
        moves, _ = OPTIMIZER.update(slope, learner.opt_state)
        return value, optax.apply_updates(params, moves), course

    value, moved, course = by_hand(params)
    np.testing.assert_allclose(info["loss"], value, rtol=1e-5)
    # Adam's first step is 1 in the direction of the gradient, so that a gradient near zero may change its sign
    for name, x in after.params.items():
        assert np.mean(np.abs(x - moved[name]) < 1e-6) > 0.999, name
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6), after.rule_state.course, course)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-6), after.rule_state.target, params)
    assert int(after.updates) == 1

    same, _ = update(learner, ROLLOUT, _apply(params, ROLLOUT.obs)["logits"])
    alone, _ = rule.update(learner, _apply, OPTIMIZER, ROLLOUT)  # the present policy acted
    for name, x in same.params.items():
        assert np.mean(np.abs(x - alone.params[name]) < 1e-6) > 0.999, name


def test_hidden_workers_change_nothing_but_for_rounding(path, params):
    rule = groove.load(f"disco103={path}")
    fields = {name: x for name, x in vars(ROLLOUT).items() if x is not None}
    twice = {name: np.concatenate([x, np.flip(x, 0)], axis=1) for name, x in fields.items()}
    mask = np.broadcast_to(np.arange(twice["reward"].shape[1]) < ROLLOUT.reward.shape[1], twice["reward"].shape)
    update = jax.jit(lambda r: rule.update(rule.init(params, optax.sgd(0.1)), _apply, optax.sgd(0.1), r))
    (alone, told), (beside, told_too) = update(ROLLOUT), update(groove.Rollout(**(twice | {"mask": mask})))
    both = (alone.params, alone.rule_state, told), (beside.params, beside.rule_state, told_too)
    for x, y in zip(*map(jax.tree.leaves, both), strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"learner": None}, "learner must be of rule.init(params, optimizer)"),
        ({"optimizer": None}, "optimizer must be an optax transformation"),
        ({"apply": None}, "apply must be a function (params, obs) ->"),
        ({"apply": lambda params, obs: obs}, "apply must return"),
        ({"progress": 7}, "progress = 7 must lie between 0 and 1"),
        ({"lifetime": -1}, "lifetime = -1 must be positive"),
        ({"behaviour": "x"}, "behaviour must be an array of numbers, not text"),
    ],
)
def test_an_update_says_what_it_takes(path, params, change, complaint):
    rule = groove.load(f"disco103={path}")
    arguments = {"learner": rule.init(params, OPTIMIZER), "apply": _apply, "optimizer": OPTIMIZER, "rollout": ROLLOUT}
    with pytest.raises(GrooveError, match=re.escape(complaint)):
        rule.update(**(arguments | change))
    with pytest.raises(GrooveError, match="optimizer must be an optax transformation"):
        rule.init(params, None)
    with pytest.raises(GrooveError, match="num_actions = -1 must be at least 0"):
        rule.heads(-1)


def test_behaviour_may_be_lists_and_hold_minus_infinity(path, params):
    rule = groove.load(f"disco103={path}")
    rollout = dataclasses.replace(ROLLOUT, action=np.minimum(ROLLOUT.action, 1))
    logits = np.asarray(_apply(params, rollout.obs)["logits"]).copy()
    found = []
    for illegal in (-np.inf, -1e9):
        logits[..., 2] = illegal
        given = logits.tolist()
        update = jax.jit(lambda a: rule.update(a, _apply, OPTIMIZER, rollout, behaviour=given))  # noqa: B023
        found.append(update(rule.init(params, OPTIMIZER)))
    for x, y in zip(*map(jax.tree.leaves, found), strict=True):
        assert np.isfinite(x).all()
        np.testing.assert_allclose(x, y, rtol=1e-5)


def test_hidden_rows_and_wrong_input(path, params):
    rule = groove.load(f"disco103={path}")
    learner = rule.init(params, OPTIMIZER)
    hidden = padded(ROLLOUT)
    nonsense = dataclasses.replace(hidden, action=np.where(hidden.mask, hidden.action, 99))
    for found, wanted in zip(
        *(rule.update(learner, _apply, OPTIMIZER, each)[1].values() for each in (nonsense, hidden)), strict=True
    ):
        assert np.isfinite(wanted)
        assert found == wanted
    for change, complaint in (
        ({"action": ROLLOUT.action + A}, "rollout.action must hold integers from 0 to 2"),
        ({"reward": np.full((4, 2), np.nan)}, "rollout.reward"),
        ({"obs": ROLLOUT.obs[:3]}, "rollout.obs must be"),
    ):
        with pytest.raises(GrooveError, match=re.escape(complaint)):
            rule.update(learner, _apply, OPTIMIZER, dataclasses.replace(ROLLOUT, **change))
    with pytest.raises(GrooveError, match=re.escape("behaviour must be f32[T, W, A] = (4, 2, 3), not (4, 2)")):
        rule.update(learner, _apply, OPTIMIZER, ROLLOUT, behaviour=np.zeros((4, 2)))
    with pytest.raises(GrooveError, match="has no memory of the rule"):
        rule.update(dataclasses.replace(learner, rule_state=()), _apply, OPTIMIZER, ROLLOUT)
    with pytest.raises(GrooveError, match='the head "q" is missing'):
        rule.update(learner, lambda p, x: {k: v for k, v in _apply(p, x).items() if k != "q"}, OPTIMIZER, ROLLOUT)
    jitted = jax.jit(lambda r: rule.update(learner, _apply, OPTIMIZER, r)[1]["loss"])
    assert np.isnan(jitted(dataclasses.replace(ROLLOUT, action=ROLLOUT.action + A)))
