"""Write the report of runs as one HTML page: python launch/report.py RUN."""

from groove.cli._main import launch

if __name__ == "__main__":
    launch("report")
