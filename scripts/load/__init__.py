"""The parts of scripts/serve_load.py."""
