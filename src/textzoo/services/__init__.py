"""The services, one module each: `run(config, workspace, recorder) -> Report`. They do not import each other."""
