"""What TextZoo is tested and measured with, for tests and benchmarks of kernels and models, your own included.

No other part of the program uses it.
"""

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
# All C of TextZoo compiles with these, by GCC and clang, for every processor.
STRICT = ("-std=c99", "-pedantic", *WARNINGS)
