"""The configuration: schema, composition, checks, help."""
