"""The conformance scenarios, one TOML file each; `docs/conformance.md` says how they are written."""
