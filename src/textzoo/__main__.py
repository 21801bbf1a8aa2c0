"""`python -m textzoo`: the program."""

from textzoo.main import main

if __name__ == "__main__":
    main()
