"""The corpus debian_docs: texts of Debian packages, installed or downloaded by apt."""
