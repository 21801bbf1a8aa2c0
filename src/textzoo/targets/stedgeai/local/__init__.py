"""ST Edge AI Core on this machine: found, its version checked against the board, run without a shell, its reports read.

It says what a model needs in flash and RAM, and how ST counts its multiplications. No time: that needs a board.
"""
