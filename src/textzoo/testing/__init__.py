"""A bench for kernels and models on emulated cores.

No other part of the program uses it.
"""

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
# All C of TextZoo compiles with these, by GCC and clang, for every processor.
STRICT = ("-std=c99", "-pedantic", *WARNINGS)
