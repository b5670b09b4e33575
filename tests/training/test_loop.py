"""The loop logs, validates and saves when due, stops when asked to, and continues; a fake replaces meta-steps."""

import io
import json
import signal
import sys
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from groove.dropin.rule_file import load_rule
from groove.evaluation.releases.finished_run import read_run
from groove.meta.groups import Group
from groove.meta.slots import Levels
from groove.meta.trainer import TrainState
from groove.training import loop
from groove.training.logs.level_record import LevelRecord, LevelRecordError, load_level_record
from groove.training.run_dir import RunDir, RunError
from groove.training.settings.presets import preset
from groove.training.validation import Domain
from groove.utils.io import CHECK
from groove.utils.typed_fields import replace_all


def fake_parts(chunk, on_chunk, returns, sources=(), skipped=0.0):
    """Parts of a run whose meta-step adds one to eta; `returns` maps eta to the return on the validation levels."""
    env = SimpleNamespace(
        describe=lambda level: {"size": level["size"]},
        sample_level=lambda key: {"size": jnp.zeros(())},
        optimal_return=None,
        draw=None,
    )

    def init(key):
        levels = Levels({"size": jnp.zeros(4)}, jnp.arange(4), jnp.ones(4))
        return TrainState({"lpg": {"w": jnp.zeros(3)}}, (), (), levels, (), (), key, jnp.int32(0))

    def run(state, n):
        on_chunk(int(state.step) + n)
        names = ("finished", "env_steps", "student_return_sum", "student_episodes", "regret_sum", "regret_known")
        metrics = {name: jnp.full(chunk, 2.0) for name in names}
        done = state.step + 1.0 + jnp.arange(chunk)
        metrics["level_record"] = jnp.stack([jnp.stack([done, 2 * done, 3 * done], 1)] * 2, 1)  # two rows a meta-step
        metrics["skipped"] = skipped * (state.step + 1 + jnp.arange(chunk))
        eta = jax.tree.map(lambda x: x + n, state.eta)
        return TrainState(eta, (), (), state.levels, (), (), state.key, state.step + n), metrics

    def rule_returns(eta, report):
        report(2)
        value = float(np.asarray(eta["lpg"]["w"])[0])
        return np.full(2, returns.get(value, value), np.float32)

    return SimpleNamespace(
        groups=(
            Group(
                "dr",
                SimpleNamespace(env=env, recorded=2),
                SimpleNamespace(name="dr", top=None, generate=None),
                4,
            ),
        ),
        trainer=SimpleNamespace(init=init, run=run),
        domains=tuple(
            Domain(source, env, {"size": np.zeros(2)}, rule_returns, lambda eta, report: np.full(2, 40.0, np.float32))
            for source in ("dr", *sources)
        ),
    )


@pytest.fixture
def train(tmp_path, monkeypatch):
    """A function that trains in the same directory with overrides of the smoke preset, and returns the summary."""

    def train(resume=False, on_chunk=lambda step: None, returns=None, skipped=0.0, folder="", **overrides):
        config = replace_all(preset("smoke"), {path.replace("__", "."): value for path, value in overrides.items()})
        monkeypatch.setattr(
            loop, "build", lambda c: fake_parts(c.run.log_every, on_chunk, returns or {}, c.validation.sources, skipped)
        )
        path = tmp_path / folder
        run_dir = RunDir.resume(path, min_free_bytes=0) if resume else RunDir.create(path, config)
        return loop.train(config, run_dir, Console(file=io.StringIO()), resume)

    return train


def rows_of(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(row["step"], "validation/normalised_return" in row) for row in rows]


def checkpoints_of(folder):
    return sorted(int(path.name) for path in (folder / "checkpoints").iterdir() if path.name.isdigit())


def test_what_a_generator_designs_is_described_and_drawn_at_each_validation(train, tmp_path, monkeypatch):
    drawn = []
    env = SimpleNamespace(
        describe=lambda level: {"size": level["size"]},
        optimal_return=None,
        draw=lambda levels, titles, path: drawn.append(path.name) if path.parent.name == "generated_levels" else None,
    )
    plain = fake_parts

    def with_generator(*args):
        parts = plain(*args)
        curriculum = SimpleNamespace(
            name="ar", top=None, generate=lambda state, key, count: {"size": jnp.full(count, 7.0)}
        )
        parts.groups = (Group("dr", SimpleNamespace(env=env, recorded=0), curriculum, 4),)
        return parts

    monkeypatch.setitem(train.__globals__, "fake_parts", with_generator)
    summary = train()
    assert drawn == ["000010.png", "000020.png"]
    assert summary["generated_levels/size"] == 7.0


def test_a_run_logs_validates_and_saves_when_due(train, tmp_path):
    summary = train()
    assert rows_of(tmp_path) == [(5, False), (10, False), (10, True), (15, False), (20, False), (20, True)]
    assert checkpoints_of(tmp_path) == [10, 20]
    assert (summary["step"], summary["stopped"]) == (20, None)
    assert summary["env_steps"] == 20 * 2.0
    assert summary["validation/normalised_return"] == 0.5
    assert summary["validation/untrained_normalised"] == 0.0, "eta before the first meta-step"
    assert load_rule(tmp_path / "rule.safetensors")[0]["lpg"]["w"].tolist() == [20.0] * 3
    returns = json.loads((tmp_path / "validation.json").read_text())["returns"]
    assert returns == {"student": [20.0] * 2, "untrained": [0.0] * 2, "a2c": [40.0] * 2}
    assert json.loads((tmp_path / "summary.json").read_text())["step"] == 20
    assert "The run is complete." in (tmp_path / "report.html").read_text()


def test_a_run_without_the_extra_ends_without_a_report(train, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    assert train()["step"] == 20
    assert not (tmp_path / "report.html").exists()


def test_every_source_is_validated_and_the_mean_is_the_score(train, tmp_path):
    summary = train(validation__sources=("worlds", "networks"))
    for prefix in ("", "worlds/", "networks/"):
        assert summary[f"{prefix}validation/normalised_return"] == 0.5
    assert summary["validation/mean_normalised_return"] == 0.5
    stored = json.loads((tmp_path / "validation.json").read_text())
    assert stored["returns"]["networks/student"] == [20.0] * 2
    assert read_run(tmp_path).scores == {10: 0.25, 20: 0.5}


def test_a_run_whose_meta_gradients_are_mostly_not_finite_ends_with_an_error(train):
    assert train(skipped=0.5, run__steps=40)["step"] == 40
    with pytest.raises(RunError, match=r"40 of 45 meta-gradients were not finite and had no effect: lower gradient\."):
        train(resume=True, skipped=0.9, run__steps=60)


def test_the_best_rule_is_kept(train, tmp_path):
    returns = {0.0: 0.0, 10.0: 9.0, 20.0: 3.0}  # eta -> return
    train(returns=returns)
    assert load_rule(tmp_path / "best_rule.safetensors")[1]["meta_steps"] == 10
    assert load_rule(tmp_path / "rule.safetensors")[1]["meta_steps"] == 20


def test_a_run_that_failed_before_its_first_checkpoint_begins_again(train, tmp_path):
    def fail(step):
        if step == 10:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(on_chunk=fail)
    assert checkpoints_of(tmp_path) == []
    assert train(resume=True)["step"] == 20
    assert rows_of(tmp_path) == [(5, False), (10, False), (10, True), (15, False), (20, False), (20, True)]


def test_a_request_to_stop_saves_without_validation_and_the_run_can_continue(train, tmp_path):
    def stop_at_10(step):
        if step == 10:
            signal.raise_signal(signal.SIGTERM)

    summary = train(on_chunk=stop_at_10, validation__every=0)
    assert (summary["step"], summary["stopped"]) == (10, "on request; go on with --resume")
    assert rows_of(tmp_path) == [(5, False), (10, False)]
    assert checkpoints_of(tmp_path) == [10]
    chunks = []
    summary = train(resume=True, on_chunk=chunks.append, validation__every=0)
    assert chunks == [15, 20]
    assert (summary["step"], summary["stopped"], summary["env_steps"]) == (20, None, 40.0)
    assert rows_of(tmp_path) == [(5, False), (10, False), (15, False), (20, False), (20, True)]


def test_a_setting_that_was_edited_in_config_json_is_noticed(train, tmp_path):
    train(run__steps=10)
    file = tmp_path / "config.json"
    before = json.loads(file.read_text())
    edited = json.loads(file.read_text())
    edited["config"]["gradient"]["learning_rate"] = 0.5
    edited["config"]["run"]["steps"] = 15  # may differ
    file.write_text(json.dumps(edited))
    with pytest.raises(RunError, match=r"edited since .*: gradient.learning_rate was [\d.]+, is 0\.5\. Put"):
        train(resume=True, run__steps=15, gradient__learning_rate=0.5)
    file.write_text(json.dumps(before))
    assert train(resume=True, run__steps=15)["step"] == 15


def test_the_time_limit_ends_a_run_with_a_validation(train, tmp_path):
    summary = train(run__minutes=1e-9)
    assert (summary["step"], summary["stopped"]) == (5, "after run.minutes = 1e-09")
    assert rows_of(tmp_path) == [(5, False), (5, True)]
    assert checkpoints_of(tmp_path) == [5]
    before = outcome_of(tmp_path)
    assert train(resume=True, run__minutes=1e-9)["step"] == 5  # its time is over
    assert outcome_of(tmp_path) == before
    assert train(resume=True, run__minutes=0.0)["step"] == 20


def log_of(folder):
    """The rows of the log without times, which differ between runs, and without the checksums over them."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: x for name, x in row.items() if "second" not in name and name != CHECK} for row in rows]


def outcome_of(folder):
    """Everything that an interruption must not change."""
    best = load_rule(folder / "best_rule.safetensors")
    rule = load_rule(folder / "rule.safetensors")[0]["lpg"]["w"].tolist()
    return log_of(folder), rule, best[1]["meta_steps"], (folder / "level_record.safetensors").read_bytes()


def stop_at(step):
    def on_chunk(done):
        if done == step:
            signal.raise_signal(signal.SIGTERM)

    return on_chunk


RETURNS = {0.0: 0.0, 10.0: 9.0, 20.0: 3.0}  # eta -> return: the rule at meta-step 10 is the best


@pytest.mark.parametrize("step", [15, *(pytest.param(step, marks=pytest.mark.slow) for step in (5, 10, 20))])
def test_a_run_that_was_stopped_and_resumed_is_the_uninterrupted_run(train, tmp_path, step):
    train(returns=RETURNS, folder="whole")
    train(returns=RETURNS, on_chunk=stop_at(step))
    assert checkpoints_of(tmp_path)[-1] == step
    assert rows_of(tmp_path)[-1] == (step, False), "who asks for a stop does not wait for a validation"
    assert train(returns=RETURNS, resume=True)["step"] == 20
    assert outcome_of(tmp_path) == outcome_of(tmp_path / "whole")


def test_a_record_of_levels_is_bounded_and_the_same_from_whatever_checkpoint(train, tmp_path):
    train(folder="whole", record__lifetimes=10)
    whole = load_level_record(tmp_path / "whole" / "level_record.safetensors")
    assert (len(whole), whole.names) == (10, ("size",))
    np.testing.assert_array_equal(whole.returns, np.stack([whole.step, 2 * whole.step], 1))
    np.testing.assert_array_equal(whole.features[:, 0], 3 * whole.step)
    train(record__lifetimes=10)
    (tmp_path / "checkpoints" / "20").rename(tmp_path / "20")  # the record is ahead of the checkpoint of step 10
    train(resume=True, record__lifetimes=10)
    assert outcome_of(tmp_path)[3] == outcome_of(tmp_path / "whole")[3]


def test_a_run_of_an_earlier_version_begins_its_record_where_it_goes_on(train, tmp_path):
    train(run__steps=10)
    (tmp_path / "level_record.safetensors").unlink()
    train(resume=True)
    assert set(load_level_record(tmp_path / "level_record.safetensors").step.tolist()) == set(range(11, 21))


def test_a_record_of_other_levels_is_refused(train, tmp_path):
    train(run__steps=10)
    LevelRecord.empty(["height"]).save(tmp_path / "level_record.safetensors")
    with pytest.raises(LevelRecordError, match="other features than the levels of this run"):
        train(resume=True)


def test_a_validation_that_is_made_up_for_is_logged_once(train, tmp_path):
    def fail(step):
        raise ZeroDivisionError

    train(returns=RETURNS, folder="whole")
    train(returns=RETURNS, on_chunk=stop_at(10))
    for _ in range(2):  # killed after this validation, before the next checkpoint
        with pytest.raises(ZeroDivisionError):
            train(returns=RETURNS, resume=True, on_chunk=fail)
        assert rows_of(tmp_path) == [(5, False), (10, False), (10, True)]
    train(returns=RETURNS, resume=True)
    assert outcome_of(tmp_path) == outcome_of(tmp_path / "whole")
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 1 + len(log_of(tmp_path))


def test_a_validation_after_the_last_checkpoint_counts_when_the_run_is_extended(train, tmp_path):
    """The checkpoint at the end of the run was written by the request to stop, before the validation."""
    train(returns=RETURNS, run__steps=10, validation__every=0, on_chunk=stop_at(10))
    train(returns=RETURNS, run__steps=10, validation__every=0, resume=True)
    train(returns=RETURNS, run__steps=20, validation__every=0, resume=True)  # the rule at meta-step 20 is worse
    assert load_rule(tmp_path / "best_rule.safetensors")[1]["meta_steps"] == 10
    assert [step for step, validated in rows_of(tmp_path) if validated] == [10, 20]


@pytest.mark.slow
def test_a_request_during_a_validation_waits_for_it(train, tmp_path, monkeypatch):
    validate = loop.Validator.validate

    def interrupted(validator, eta):
        signal.raise_signal(signal.SIGTERM)
        return validate(validator, eta)

    train(returns=RETURNS, folder="whole")
    with monkeypatch.context() as patched:
        patched.setattr(loop.Validator, "validate", interrupted)
        assert train(returns=RETURNS)["step"] == 15
    train(returns=RETURNS, resume=True)
    assert outcome_of(tmp_path) == outcome_of(tmp_path / "whole")


def test_a_finished_run_that_is_resumed_stays_as_it_is(train, tmp_path):
    summary = train(returns=RETURNS)
    before = outcome_of(tmp_path)
    again = train(returns=RETURNS, resume=True)
    assert outcome_of(tmp_path) == before
    assert again["validation/normalised_return"] == summary["validation/normalised_return"]
