"""Drives the installers under test, each behind one Protocol."""
