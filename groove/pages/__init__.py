"""The parts that every HTML page of the project shares: the shell, tabs, tables, figures and charts.

A page is one file that needs no network. Numbers are shown with their n and their interval (`measures.Measured`).
"""
