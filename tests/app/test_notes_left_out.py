"""What is written to standard error while TensorFlow is imported arrives, its notes about itself do not."""

import os
import signal
import subprocess
import sys

import pytest

from textzoo.common.standard_streams import NOTES

BLOCK = (
    "import os, subprocess, sys\nfrom textzoo.common.standard_streams import without_notes\n"
    "with without_notes():\n    {}\n"
)
NOTED = "os.write(2, b'I0000 {}\\n'); ".format
# How the block ends -> what it does, the program's exit code, what arrives.
ENDINGS = {
    "well": ("os.write(2, b'kept, without newline')", 0, "kept, without newline"),
    "with bytes": ("os.write(2, b'a\\x00\\xe9\\n')", 0, "a\x00\udce9\n"),
    "killed": ("os.write(2, b'no AVX on this machine\\n'); os.abort()", -signal.SIGABRT, "no AVX on this machine\n"),
    "at once": ("os.write(2, b'Interrupted.\\n'); os._exit(130)", 130, "Interrupted.\n"),
    "with an exception": ("sys.exit('a mistake')", 1, "a mistake\n"),
    "with a child": ("subprocess.Popen(['sh', '-c', 'sleep 0.3; echo late >&2'])", 0, "late\n"),
    "without sed": ("os.write(2, b'kept\\n')", 0, "kept\n"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_all_but_the_notes_arrives(ending):
    action, code, text = ENDINGS[ending]
    notes = "" if ending == "without sed" else "".join(map(NOTED, NOTES))
    environment = {**os.environ, "PATH": "/nonexistent"} if ending == "without sed" else os.environ
    answer = subprocess.run(
        [sys.executable, "-c", BLOCK.format(notes + action)], env=environment, stderr=subprocess.PIPE, check=False
    )
    assert (answer.returncode, answer.stderr.decode("utf-8", "surrogateescape")) == (code, text)


def test_a_ctrl_c_meanwhile_is_heard_and_nothing_is_lost():
    """Also in a shell's background job, where a Ctrl-C would be ignored."""
    code = "import signal, time; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += BLOCK.format("os.write(2, b'kept\\n'); print(flush=True); time.sleep(60)")
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        text = process.communicate(timeout=30)[1].decode()
    assert text.startswith("kept\n")
    assert text.rstrip().endswith("KeyboardInterrupt")
