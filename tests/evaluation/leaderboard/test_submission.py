"""Submissions: one in order is read, and whatever was tampered with is refused in a line that says what."""

import json

import pytest

from groove.evaluation.leaderboard.submission import read_submission
from groove.utils.errors import GrooveError
from tests._helpers.submissions import copy_of, edit, save_tiny_rule


@pytest.fixture
def tampered(submitted, tmp_path):
    return copy_of(submitted, tmp_path / "submission")


def _refused(folder):
    with pytest.raises(GrooveError) as caught:
        read_submission(folder)
    return str(caught.value)


def test_a_submission_in_order_is_read(submitted):
    submission = read_submission(submitted)
    assert [(job.rule.name, job.task.path, job.seeds) for job in submission.jobs] == [
        ("mine", "chain/tabular", (0, 1, 2)),
        ("a2c", "chain/tabular", (0, 1, 2)),
    ]
    assert [line["rule"] for line in submission.lines] == ["mine", "a2c"]


def _set(name, value):
    return lambda line: line.update({name: value})


def _within(group, name, value):
    return lambda line: line[group].update({name: value})


EDITS = {
    "another task": (_set("task", "chain/distractor"), "its task, agent differ from those of this version"),
    "another suite": (_set("task", "bsuite/Catch"), "bsuite/Catch does not belong into chain.jsonl"),
    "a suite for a task": (_set("task", "chain"), "does not belong into"),
    "an unknown task": (_set("task", "chain/tabula"), 'did you mean "tabular"'),
    "another budget": (_set("budget", "laptop"), "its budget differ from those of this version"),
    "an unknown budget": (_set("budget", "huge"), 'there is no budget "huge"'),
    "another rule's name": (_set("rule", "a2c"), '"a2c" is the name of another rule'),
    "a released name": (_set("rule", "groove"), '"groove" is the name of another rule'),
    "an unprintable name": (_set("rule", "mi\nne"), "printable letters"),
    "a name of spaces": (_set("rule", "  "), "printable letters"),
    "a rule without file": (_set("rule_identity", "0123456789abcdef"), "there is no file of the rule"),
    "another cell": (_set("cell", "0123456789abcdef"), "its cell is not the digest of its settings"),
    "another learning rate": (
        lambda line: line["settings"]["agent"].update(learning_rate=80.0),
        "its agent differ from those of this version",
    ),
    "no settings": (_set("settings", None), "its protocol, task, budget, agent, rule differ"),
    "other steps": (_set("env_steps", [10, 20]), "its updates, steps or levels are not those"),
    "a level too many": (lambda line: line["returns"].append(line["returns"][0]), "its updates, steps or levels"),
    "a seed twice": (_set("seeds", [0, 1, 1]), "it has a seed twice"),
    "a chosen seed": (_set("seeds", [0, 1, 7]), "mine on chain/tabular has the seeds [0, 1, 7]"),
    "an infinite return": (lambda line: line["returns"][0].__setitem__(0, [1.0, float("inf")]), "damaged"),
    "no provenance": (lambda line: line.pop("provenance"), "its provenance cannot be trusted"),
    "no device": (lambda line: line["provenance"].pop("device"), "(without device)"),
    "no command": (_within("provenance", "command", "groove"), "(command: "),
    "no version of JAX": (_within("provenance", "versions", {"groove": "1"}), "(without the version of jax)"),
    "no time": (_within("provenance", "time", "yesterday"), "its time is no date"),
    "a time to come": (_within("provenance", "time", "2999-01-01T00:00:00+00:00"), "its time is in the future"),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_line_that_was_changed_is_refused_although_its_checksum_fits(tampered, name):
    change, said = EDITS[name]
    edit(tampered, change)
    message = _refused(tampered)
    assert said in message
    assert "\n" not in message


def test_a_number_that_was_changed_without_its_checksum_is_refused(tampered):
    path = tampered / "chain.jsonl"
    lines = path.read_text().splitlines()
    line = json.loads(lines[0])
    line["returns"][0][0][-1] += 1.0
    path.write_text("\n".join([json.dumps(line), *lines[1:]]) + "\n")
    assert "chain.jsonl, line 1, is damaged (another checksum): make the results again" in _refused(tampered)
    del line["check"]
    path.write_text("\n".join([json.dumps(line), *lines[1:]]) + "\n")
    assert "line 1, is damaged (no checksum)" in _refused(tampered)


@pytest.mark.parametrize(
    ("kept", "said"), [(-40, "line 2, is damaged (no JSON with finite numbers)"), (0, "chain.jsonl is empty")]
)
def test_torn_results_are_refused(tampered, kept, said):
    path = tampered / "chain.jsonl"
    path.write_bytes(path.read_bytes()[:kept])
    assert said in _refused(tampered)


def test_a_rule_file_without_results_is_refused(tampered):
    save_tiny_rule(tampered / "other.safetensors", seed=5)
    assert _refused(tampered) == "the rule file other.safetensors has no results: test it, or take it away."


def test_an_altered_rule_file_is_refused(tampered):
    path = tampered / "mine.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1
    path.write_bytes(raw)
    assert "does not match its checksum" in _refused(tampered)
    save_tiny_rule(path, seed=6)
    assert 'there is no file of the rule "mine"' in _refused(tampered)


def test_folders_without_rules_or_results_are_refused(tampered, tmp_path):
    assert "is no folder" in _refused(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds no results: run groove meta-test with --results" in _refused(tmp_path / "empty")
    (tampered / "mine.safetensors").unlink()
    assert "holds no rule file" in _refused(tampered)


def test_a_seed_that_was_left_out_is_named(tampered):
    def keep(*seeds):
        def change(line):
            line["returns"] = [[line["returns"][0][seed] for seed in seeds]]
            line["seeds"] = list(seeds)

        return change

    edit(tampered, keep(0, 2))
    assert "mine on chain/tabular has the seeds [0, 2]: each of 0, 1, 2, ... has to be there once" in _refused(tampered)


def test_many_complaints_are_cut_short(tampered):
    for number in range(2):
        edit(tampered, _set("cell", "0" * 16), number)
    text = (tampered / "chain.jsonl").read_text()
    (tampered / "chain.jsonl").write_text(text * 4)
    message = _refused(tampered).splitlines()
    assert len(message) == 6
    assert message[-1] == "3 more complaints like these"
