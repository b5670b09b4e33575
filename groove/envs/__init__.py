"""What do agents act in? Families of levels that share their dynamics."""
