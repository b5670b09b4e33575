"""Sources, scores, antagonists and meta-optimizers go together; `-m slow` runs every one."""

from pathlib import Path

import jax
import numpy as np
import pytest

from groove.curriculum.scores import SCORES
from groove.lpg.registry import hand_written
from groove.training.build import build
from groove.training.checkpoints.checkpoint import Checkpointer
from groove.training.settings.legacy import read_config
from groove.training.settings.presets import preset
from groove.training.settings.validate import validate
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import assign, replace, to_dict

SMALL = {
    "devices": 1,
    "slots.count": 4,
    "slots.workers": 2,
    "slots.steps": 4,
    "slots.episodes": 2,
    "slots.stagger": 2,
    "rules.lpg.hidden": 4,
    "run.log_every": 5,
    "levels.min_lifetime": 4,
    "levels.max_lifetime": 6,
}
TOGETHER = ["ar@mazes antagonists=a2c,ppo,random,optimal plr.robust=true plr.prioritization=proportional"]
ONE_BY_ONE = [
    "accel:maxmc gradient.normalise_slots=true meta.average_decay=0.9 plr.prioritization=topk",
    "pvl@dr=0.5,handcrafted=0.5 meta.optimizer=es rules.lpg.lifetime_conditioning=true",
    *(f"{score}" for score in SCORES),
    *(
        f"learnability@{source}"
        for source in ("chain", "chain_distractor", "random_grid", "networks", "set:3", "mazes")
    ),
    *(f"ar antagonists={name}" for name in (*hand_written(), "optimal")),
    "optimal@chain",
    "accel@varied",
    "accel@worlds",
    "paired paired.random_share=0.5",
    "repaired@varied paired.generator=autoregressive paired.edit_probability=0.3",
    "paired paired.generator=autoregressive paired.cloning=both paired.cloning_period=2",
    "paired@networks paired.cloning=both",
    "paired:flexible@worlds paired.cloning=student",
    "paired paired.generator=autoregressive meta.optimizer=es",
    "ar@random_grid antagonists=a2c,ppo,random",
    "ar meta.optimizer=es antagonists=ppo,optimal",
    "accel@chain meta.optimizer=es",
    "l1@random_grid meta.optimizer=es",
]


def _runs(line: str, folder: Path | None = None) -> None:
    """Runs five meta-steps; given a folder, again from a checkpoint after the first: to the same bits."""
    curriculum, *assignments = line.split()
    config = replace(preset("smoke"), "curriculum", curriculum)
    by_es = "meta.optimizer=es" in assignments
    for path, value in SMALL.items():
        if not (by_es and path in ("slots.count", "slots.stagger")):  # evolution strategies do not read these
            config = replace(config, path, value)
    for assignment in assignments:
        config = assign(config, assignment)
    validate(config)
    assert read_config(to_dict(config)) == config
    trainer = build(config).trainer
    state, _ = trainer.run(trainer.init(jax.random.key(0)), 1)
    if folder is not None:
        checkpoints = Checkpointer(folder)
        checkpoints.save(1, state, {"seconds": 0.0})
        checkpoints.wait()
    state, metrics = trainer.run(state, 4)
    assert trainer.compilations() == 1
    if folder is not None:
        resumed, _, step = checkpoints.restore(trainer.init(jax.random.key(1)))
        checkpoints.close()
        resumed, _ = trainer.run(resumed, 4)
        assert (step, int(resumed.step)) == (1, 5)
        jax.tree.map(np.testing.assert_array_equal, resumed.eta, state.eta)
        jax.tree.map(np.testing.assert_array_equal, resumed.curriculum, state.curriculum)
    assert all(np.isfinite(np.asarray(x)).all() for x in jax.tree.leaves(state.eta))
    assert np.nansum(metrics["finished"]) > 0
    assert not np.nansum(metrics.get("skipped", 0))  # meta-gradients that were not finite
    if "score_mean" in metrics:
        assert np.isfinite(metrics["score_mean"][-2])


@pytest.mark.slow
@pytest.mark.parametrize("line", TOGETHER)
def test_combinations_run(line):
    _runs(line)


@pytest.mark.slow
@pytest.mark.parametrize("line", ONE_BY_ONE)
def test_every_one_runs_and_resumes(line, tmp_path):
    _runs(line, tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("optimal@random_grid", "no exact solver"),
        ("ar@chain_distractor antagonists=optimal,a2c", None),
        ("accel@chain", None),
        ("ar@random_grid antagonists=optimal", "no exact solver"),
        ("paired@varied paired.generator=autoregressive", None),
        ("paired@worlds paired.generator=autoregressive", "has no gridworlds: choose paired@dr"),
        ("paired@mazes paired.generator=autoregressive", "cannot be designed"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_built(line, message):
    from groove.training.build import make_groups

    curriculum, *assignments = line.split()
    config = replace(preset("smoke"), "curriculum", curriculum)
    for assignment in assignments:
        config = assign(config, assignment)
    if message is None:
        make_groups(config)
    else:
        with pytest.raises(ValueError, match=message):
            make_groups(config)


def test_antagonists_and_minibatches_are_checked():
    config = assign(preset("smoke"), "antagonists=a2c,pp0")
    with pytest.raises(ConfigError, match='unknown antagonist "pp0"'):
        validate(config)
    config = assign(preset("smoke"), "antagonists=ppo")
    with pytest.raises(ConfigError, match=r"rules.ppo.minibatches = 3 does not divide"):
        validate(assign(config, "rules.ppo.minibatches=3"))
