"""Sources of levels: where new levels come from."""
