"""Finished runs: their scores, and directories that hold none."""

import json

import pytest

from groove.dropin.rule_file import load_rule, save_rule
from groove.evaluation.releases.finished_run import read_run
from groove.training.logs.loggers import read_jsonl
from groove.training.run_dir import RunDir
from groove.training.settings.presets import preset
from groove.training.validation import MEAN_SCORE
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import to_dict
from tests._helpers.finished_runs import finished_run


def test_scores_are_those_of_the_last_and_the_best_validation(tmp_path):
    run = read_run(finished_run(tmp_path / "run", seed=3, score=0.4, value=1.0))
    assert (run.last_score, run.best_score, run.config.seed) == (0.4, 0.6, 3)
    assert list(run.validations) == [10, 20]


def test_a_directory_without_a_finished_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="does not hold a finished run"):
        read_run(tmp_path)
    path = finished_run(tmp_path / "run", seed=1, score=0.5, value=1.0)
    RunDir(path).summary.write_text("{}")
    with pytest.raises(ConfigError, match="never validated"):
        read_run(path)


def test_a_run_that_was_stopped_after_its_last_validation_is_refused(tmp_path):
    path = finished_run(tmp_path / "run", seed=1, score=0.5, value=1.0)
    summary = json.loads(RunDir(path).summary.read_text())
    RunDir(path).summary.write_text(json.dumps(summary | {"step": 25}))
    with pytest.raises(ConfigError, match="ended at meta-step 25, after its last validation, at 20: finish it"):
        read_run(path)


def test_a_validation_of_zero_is_a_validation(tmp_path):
    path = finished_run(tmp_path / "run", seed=1, score=0.0, value=1.0)
    run = read_run(path)
    assert run.scores == {10: 1.0, 20: 0.0}
    assert (run.last_score, run.validations[20][0]) == (0.0, 0.0)
    rows = [row | {MEAN_SCORE: 0.0} for row in read_jsonl(path / "metrics.jsonl")]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_run(path).scores == {10: 0.0, 20: 0.0}, "the mean over sources counts, also if it is zero"


def _damage(path, *keys, value):
    content = json.loads(path.read_text())
    node = content
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("content", ["[]", "3", "null", '"text"', "{", "[" * 10_000])
@pytest.mark.parametrize("name", ["summary.json", "config.json"])
def test_another_value_in_place_of_a_file_is_refused_in_one_line(tmp_path, name, content):
    path = finished_run(tmp_path / "run", seed=1, score=0.5, value=1.0)
    (path / name).write_text(content)
    with pytest.raises(ConfigError, match="run does not hold a finished run: ") as refused:
        read_run(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "keys", "value", "complaint"),
    [
        ("summary.json", ("seconds",), None, "summary.json lacks the number seconds"),
        ("summary.json", ("env_steps",), "many", "summary.json lacks the number env_steps"),
        ("summary.json", ("validation/normalised_return",), "x", "lacks the number validation/normalised_return"),
        ("config.json", ("config", "rule"), "lgp", r'unknown learned rule "lgp" \(did you mean "lpg"\?\)'),
        ("config.json", ("starts", 0, "command"), [], "a start without its command"),
        ("config.json", ("starts", 0, "device"), {}, "a start without its device"),
        ("config.json", ("starts", 0, "git"), 3, "a start without its git"),
        ("config.json", ("starts", 0, "versions"), {}, "a start without its versions"),
        ("config.json", ("starts", 0), 7, "does not hold a finished run"),
    ],
)
def test_what_a_card_would_lack_is_refused_at_once(tmp_path, name, keys, value, complaint):
    path = finished_run(tmp_path / "run", seed=1, score=0.5, value=1.0)
    _damage(path / name, *keys, value=value)
    with pytest.raises(ConfigError, match=complaint):
        read_run(path)


def test_a_rule_file_that_does_not_say_how_old_it_is_is_refused(tmp_path):
    path = finished_run(tmp_path / "run", seed=1, score=0.5, value=1.0)
    eta, about = load_rule(path / "rule.safetensors")
    about = {"rule": "lpg", "lpg": about["lpg"], "trained_with": to_dict(preset("smoke"))}
    save_rule(tmp_path / "alone.safetensors", eta, about)
    with pytest.raises(ConfigError, match="does not say after how many meta-steps"):
        read_run(tmp_path / "alone.safetensors")
