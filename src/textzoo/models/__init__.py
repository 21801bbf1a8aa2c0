"""The architectures. Adding a model is one file here, one row in `registry.MODELS` and one YAML in `conf/model`."""
