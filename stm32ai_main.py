"""TextZoo's entry point in a checkout: `python stm32ai_main.py operation_mode=chain_tqe`; see `--help`."""

import sys

try:
    from textzoo.main import main
except ModuleNotFoundError as error:
    if error.name != "textzoo":
        raise
    print(
        f"TextZoo is not installed for {sys.executable}. In a checkout: make setup, then source .venv/bin/activate.",
        file=sys.stderr,
    )
    sys.exit(2)

if __name__ == "__main__":
    main()
