"""Run directories that version 0.0 wrote: smoke preset, curriculum ar, seed 0, two devices, 20 meta-steps."""

import shutil
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
META_OPTIMIZERS = {"ar": "gradient", "es": "es"}  # name of the run -> its meta-optimizer
RESUMED_TO_25 = DATA / "rule_of_version_0_0_ar_resumed_to_25.safetensors"  # by version 0.0


def unpack_run(name: str, folder: Path) -> Path:
    """Unpack a run into a folder."""
    shutil.unpack_archive(DATA / f"run_of_version_0_0_{name}.zip", folder)
    return folder
