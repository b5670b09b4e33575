"""The settings of a run: fields, presets, checks, and those of earlier versions."""
