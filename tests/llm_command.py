"""Simon Willison's command `llm`, with a server of ours as two of its models: `tiny` chats, `plain` completes."""

import os
import subprocess
import sys

MODELS = """\
- {{model_id: tiny, model_name: {name}, api_base: '{url}'}}
- {{model_id: plain, model_name: {name}, api_base: '{url}', completion: true}}
"""


def run_llm(folder, url, name, *arguments):
    """Run the command with its files in a folder; return what it prints, without the newline at the end."""
    (folder / "extra-openai-models.yaml").write_text(MODELS.format(name=name, url=url))
    environment = {**os.environ, "LLM_USER_PATH": str(folder), "OPENAI_API_KEY": "none"}
    command = [sys.executable, "-c", "from llm.cli import cli; cli()", *arguments]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=300, stdin=subprocess.DEVNULL
    )
    return done.stdout.removesuffix("\n")
