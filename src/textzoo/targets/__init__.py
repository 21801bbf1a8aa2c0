"""Targets: boards, projects for them, emulators, and this machine itself."""
