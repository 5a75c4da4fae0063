"""Acts: processes, network and disk."""
