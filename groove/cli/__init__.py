"""The commands: each module turns flags into one library call."""
