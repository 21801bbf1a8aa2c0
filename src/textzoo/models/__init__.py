"""The architectures. Adding one: configuration and layers in a file each, a row in `registry`, a YAML in conf/model."""
