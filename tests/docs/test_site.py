"""The site is built strictly, without network: all pages are in the navigation, all links lead somewhere."""

import re
import shutil
import subprocess
import sys

import pytest
from pages import PROJECT

BROKEN = {
    "a page that is not there": ("[x](nowhere.md)", "nowhere.md"),
    "a file that is not there": ("[x](../src/nowhere.py)", "nowhere.py"),
    "an anchor that is not there": ("[x](index.md#nowhere)", "nowhere"),
    "a picture that is not there": ("![x](pictures/nowhere.png)", "nowhere.png"),
    "a page in no navigation": ("", "lost.md: WARNING: document isn't included in any toctree"),
}
LOADED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\ssrc=[\"']?(?:https?:)?//|<link\b[^>]*\shref=[\"']?(?:https?:)?//"
)

# A page that a test writes.
MADE_UP = "docs/page.md"


def build(source, site):
    """What `make site` runs, for the sources of a folder."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-c", str(PROJECT / "docs")]
    return subprocess.run([*command, str(source), str(site)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    answer = build(PROJECT, folder)
    assert answer.returncode == 0, answer.stderr
    return folder


@pytest.mark.slow
def test_every_part_of_the_index_is_in_the_navigation(site):
    page = (site / "docs/index.html").read_text(encoding="utf-8")
    parts = re.findall(r"^## (.+)$", (PROJECT / "docs/index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.findall(r'<p class="caption"[^>]*><span class="caption-text">([^<]+)</span>', page) == parts


@pytest.mark.slow
def test_the_address_of_the_site_leads_to_the_index(site):
    assert "url=docs/index.html" in (site / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_no_page_loads_anything_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    assert [page.name for page in pages if LOADED.search(page.read_text(encoding="utf-8"))] == []


@pytest.mark.slow
def test_what_leads_nowhere_stops_the_build(tmp_path):
    source = tmp_path / "source"
    (source / "docs/pictures").mkdir(parents=True)
    shutil.copy(PROJECT / "docs/index.md", source / "docs" / "lost.md")
    text = "\n\n".join(link for link, _ in BROKEN.values())
    (source / "docs/index.md").write_text(f"# Index\n\n{text}\n", encoding="utf-8")
    answer = build(source, tmp_path / "site")
    assert answer.returncode == 1
    assert [what for what, (_, named) in BROKEN.items() if named not in answer.stderr] == []


@pytest.mark.parametrize("name", ["docs", "datasets", "deployment"])
def test_pages_that_files_speak_of_exist(name):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    spoken = re.compile(rf"(?<![\w/.-]){name}/[\w/]+\.md\b")
    wrong = []
    for path in listed.split("\0"):
        file = PROJECT / path
        if file.suffix in (".py", ".md", ".c", ".h", ".inc", ".j2", ".yaml", ".toml") and path != "CHANGELOG.md":
            pages = spoken.findall(file.read_text(encoding="utf-8")) if file.is_file() else []
            wrong += [f"{path}: {page}" for page in pages if page != MADE_UP and not (PROJECT / page).is_file()]
    assert wrong == []
