"""The leaderboard as a static page: one module for each part, and `build`, which writes it."""
