"""The configuration: schema, composition from files and the command line, checks, help."""
