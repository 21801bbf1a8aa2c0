"""TextZoo's entry point in a checkout: `python stm32ai_main.py operation_mode=chain_tqe`; see `--help`."""

from textzoo.main import main

if __name__ == "__main__":
    main()
