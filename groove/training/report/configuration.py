"""The tab of the configuration and of the circumstances of every start."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groove.pages.parts import Cell, section, table
from groove.training.report.reported_run import ReportedRun
from groove.training.settings.config import Config
from groove.training.settings.presets import PRESETS, preset
from groove.utils.typed_fields import flatten, to_dict

if TYPE_CHECKING:
    from markupsafe import Markup


def configuration_tab(runs: Sequence[ReportedRun]) -> "Markup":
    """Return every setting, those that differ first, and the circumstances of every start."""
    flat = [_settings(run.config) for run in runs]
    defaults = [_defaults(run.config) for run in runs]
    rows: list[list[Any]] = []
    for name in dict.fromkeys(name for values in flat for name in values):
        values = [values.get(name, "absent") for values in flat]
        changed = any(value != known.get(name, value) for value, known in zip(values, defaults))
        note = "differs between runs" if len(set(values)) > 1 else "differs from the preset" if changed else ""
        rows.append([name, *values, Cell(note, note or "z")])
    rows.sort(key=lambda row: row[-1].order)
    starts = [
        [run.name, str(start.get("time", "")), _command(start), device_text(start), versions_text(start)]
        for run in runs
        for start in run.starts
    ]
    return section(
        "Configuration and provenance",
        table(
            "Starts of runs: when, by which command, where and with which versions",
            ["run", "time", "command", "devices", "versions"],
            starts,
        ),
        table("Settings, those that differ first", ["setting", *(run.name for run in runs), "note"], rows),
    )


def device_text(start: Mapping[str, Any]) -> str:
    """Return the devices of a start, as in "2 x NVIDIA H100 (gpu)"; empty if they were not recorded."""
    device = start.get("device") or {}
    return f"{device.get('count', '?')} x {device.get('kind', '?')} ({device.get('platform', '?')})" if device else ""


def versions_text(start: Mapping[str, Any]) -> str:
    """Return the versions of a start, and the git revision."""
    versions = [f"{name} {version}" for name, version in (start.get("versions") or {}).items() if version]
    git = start.get("git") or {}
    revision = [f"git {str(git.get('revision', ''))[:10]}{' with changes' if git.get('dirty') else ''}"] if git else []
    return ", ".join([*versions, *revision])


def _command(start: Mapping[str, Any]) -> str:
    return " ".join(map(str, start.get("command", [])))


def _defaults(config: Config) -> Mapping[str, str]:
    if config.preset not in PRESETS:
        return {}
    return _settings(preset(config.preset))


def _settings(config: Config) -> dict[str, str]:
    return {name: _text(value) for name, value in flatten(to_dict(config)).items() if value != {}}


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
