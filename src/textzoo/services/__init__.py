"""The services, one file each, one shape: `run(config, workspace, recorder) -> Report`. None knows another."""
