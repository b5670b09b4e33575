"""The leaderboard: rules ranked by progression, a static page of it, and the check of submissions."""
