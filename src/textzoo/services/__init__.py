"""The services, one file each, one shape: `run(config, workspace, sink) -> Report`."""
