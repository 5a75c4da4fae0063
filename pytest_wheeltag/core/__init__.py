"""Decides, and touches nothing: no disk, process, network, clock or environment variable."""
