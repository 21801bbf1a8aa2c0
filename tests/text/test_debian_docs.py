"""dataset=debian_docs: prose of packages that are installed, kept as .deb, or downloaded by a stand-in for apt."""

import gzip
import json
import lzma
import tarfile

import pytest
from debian_archives import PAGE, deb_of, packed, pages, stand_in, tar_of, zipped

from textzoo.common.deb_archives import files_of_deb
from textzoo.common.errors import UserError
from textzoo.publication.corpus import provenances
from textzoo.text.corpora.debian import cleaners, sources
from textzoo.text.corpora.debian.cleaners import prose_of
from textzoo.text.corpora.debian.packages import DEFAULT, PACKAGES, mistakes, wanted
from textzoo.text.corpora.debian.sources import package_texts
from textzoo.text.corpora.loading import load_corpus
from textzoo.text.prepare import prepare_dataset
from textzoo.text.settings import DatasetConfig, TokenizerConfig

SQLITE, VERSION = "sqlite3-doc", "3.40.1-2+deb12u2"
ITEM = "An item of a list is a paragraph, and this one stands on every page."


def said(number):
    return f"The number of this page is {number}, and a sentence says so -- in words."


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder of stand-ins, the only programs there are; nothing is installed."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "cp", "echo"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sources, "ROOT", tmp_path / "root")
    return folder


def with_apt(programs, tmp_path, content):
    """apt, which knows one package and downloads it."""
    (tmp_path / "mirror").mkdir()
    archive = tmp_path / "mirror" / f"{SQLITE}_{VERSION}_all.deb"
    archive.write_bytes(content)
    stand_in(programs, "apt-cache", f'[ "$1" = show ] && echo "Package: $3" && echo "Version: {VERSION}"')
    log = tmp_path / "log"
    stand_in(programs, "apt-get", f'echo "$@" >> {log}; [ "$3" = {SQLITE}={VERSION} ] && cp {archive} .')
    return log


def with_installed(programs, tmp_path, files, version=VERSION, missing=()):
    for name, content in files.items():
        if name not in missing:
            (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "root" / name).write_bytes(content)
    listed = "\\n".join(f"/{name}" for name in ["usr/share", *files])
    stand_in(
        programs,
        "dpkg-query",
        f'[ "$1" = -W ] && echo "{SQLITE} {version} installed" || printf "{listed}\\n"',
    )


def test_a_download_is_cleaned_once_and_kept(programs, tmp_path):
    log = with_apt(programs, tmp_path, packed(pages(2, 10, 1)))
    first, again = (package_texts([SQLITE], tmp_path / "cache") for _ in range(2))
    assert first == again
    (text,) = first
    assert text.documents == [f"{said(1)}\n{ITEM}", said(10), said(2)]
    assert text.package == f"{SQLITE}={VERSION}"
    assert text.source.location == f"Debian package {SQLITE} {VERSION}"
    assert text.source.licence == "public-domain, GPL-2+"
    assert text.source.normalised["repeated paragraphs, left out"] == 2
    assert log.read_text() == f"-qq download {SQLITE}={VERSION}\n"


def test_installed_files_are_the_same_text(programs, tmp_path):
    with_apt(programs, tmp_path, packed(pages(1, 2)))
    (downloaded,) = package_texts([SQLITE], tmp_path / "one")
    with_installed(programs, tmp_path, pages(1, 2))
    (installed,) = package_texts([SQLITE], tmp_path / "two")
    assert installed == downloaded
    assert not list((tmp_path / "two").rglob("*.deb"))


def test_where_dpkg_left_out_documents_the_package_is_downloaded(programs, tmp_path):
    log = with_apt(programs, tmp_path, packed(pages(1, 2)))
    with_installed(programs, tmp_path, pages(1, 2), missing=["usr/share/doc/sqlite3/page2.html"])
    (text,) = package_texts([SQLITE], tmp_path / "cache")
    assert len(text.documents) == 2
    assert log.exists()


def test_without_apt_a_deb_is_taken_from_the_cache_or_asked_for(programs, tmp_path):
    with pytest.raises(UserError) as told:
        package_texts([SQLITE, "dict-wn"], tmp_path / "cache")
    assert str(told.value).count("is not on this machine") == 2
    assert "there is no apt-get" in str(told.value)
    assert f"sudo apt-get install {SQLITE}" in str(told.value)
    (tmp_path / "cache/debian").mkdir(parents=True)
    for version in ("9", "11"):
        (tmp_path / "cache/debian" / f"{SQLITE}_1%3a{version}_all.deb").write_bytes(packed(pages(int(version))))
    (newest,) = package_texts([SQLITE], tmp_path / "cache")
    assert (newest.package, newest.documents) == (f"{SQLITE}=1:11", [f"{said(11)}\n{ITEM}"])
    (chosen,) = package_texts([f"{SQLITE}=1:9"], tmp_path / "cache")
    assert chosen.documents == [f"{said(9)}\n{ITEM}"]
    for path in (tmp_path / "cache/debian").glob("*.deb"):
        path.unlink()
    assert package_texts([SQLITE], tmp_path / "cache") == [newest]


def test_what_apt_says_is_told(programs, tmp_path):
    stand_in(programs, "apt-cache", f"echo Version: {VERSION}")
    stand_in(programs, "apt-get", "echo 'W: odd' >&2; echo 'E: Could not resolve deb.debian.org' >&2; exit 100")
    with pytest.raises(UserError, match=r"received Could not resolve deb\.debian\.org"):
        package_texts([SQLITE], tmp_path / "cache")


def test_a_kept_text_that_was_changed_is_made_again(programs, tmp_path):
    with_apt(programs, tmp_path, packed(pages(1)))
    (text,) = package_texts([SQLITE], tmp_path / "cache")
    (kept,) = (tmp_path / "cache/debian").glob("*.txt")
    kept.write_text("Something else.")
    assert package_texts([SQLITE], tmp_path / "cache") == [text]


def test_names_are_checked_all_at_once():
    assert mistakes([row.name for row in PACKAGES]) == []
    assert [wanted(name).row.name for name in ("python3-doc", "python3.11-doc", "postgresql-doc-15")] == [
        *("python3-doc", "python3-doc", "postgresql-doc"),
    ]
    assert set(DEFAULT) <= {row.name for row in PACKAGES}
    found = mistakes(["sqlite-doc", "git-doc", "git-doc", f"{SQLITE}=../x", "manpages=1.0"])
    assert ["sqlite3-doc" in str(found[0]), "not the version" in str(found[1]), "twice" in str(found[2])] == [True] * 3


# What a .deb may not be, and what is said.
HOSTILE = {
    "not one": (b"PK\3\4", "not a Debian package"),
    "cut": (packed(pages(1))[:-20], "damaged"),
    "no files": (b"!<arch>\n", "holds no files"),
    "zstd": (deb_of(b"", "data.tar.zst"), "packed in a way that is not known"),
    "a bomb": (deb_of(lzma.compress(bytes(2 << 20))), "unpacks to more than it may"),
    "a large file": (packed({"usr/share/doc/sqlite3/a.html": bytes(2 << 20)}), "unpacks to more than it may"),
    "no tar": (deb_of(lzma.compress(b"x" * 600)), "damaged"),
    "no xz": (deb_of(b"not xz at all"), "damaged"),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused(tmp_path, content, message):
    path = tmp_path / "a.deb"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(files_of_deb(path, lambda name: True, 1 << 20))


def test_only_plain_files_are_read_and_none_is_written(tmp_path):
    files = {"../outside.html": b"1", "/etc/a.html": b"2", "b.html": b"", "c.html": b"3", "d.txt": b"4"}
    path = tmp_path / "a.deb"
    path.write_bytes(deb_of(gzip.compress(tar_of(files, {"b.html": tarfile.SYMTYPE})), "data.tar.gz"))
    found = dict(files_of_deb(path, lambda name: name.endswith(".html"), 1 << 20))
    assert found["c.html"] == b"3"
    assert set(found) == {"../outside.html", "/etc/a.html", "c.html"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.deb"]


def test_a_damaged_archive_is_named(programs, tmp_path):
    with_apt(programs, tmp_path, b"broken")
    with pytest.raises(UserError, match=r"_all\.deb' cannot be read; received not a Debian package"):
        package_texts([SQLITE], tmp_path / "cache")


POD = """=head1 NAME

perlx - a page

This paragraph explains I<emphasis>, C<< $a <=> $b >> and L<perlfunc/sort>, and L<the manual|perl> as well.

    code that is indented is left out, however long it may be.

=over 4

=item One

Another paragraph follows an item, X<index>and it has B<bold I<words>> in it.

=cut
"""
MAN = r""".TH X 7
.\" A comment is left out.
.SH DESCRIPTION
The
.BR open (2)
call opens a file, and \fIflags\fP say how; it \(lqmay\(rq fail \(em or not\-at\-all.
.PP
.nf
int example(void); this is code and left out.
.fi
.TP
.B O_APPEND
The file is opened in append mode, as the text after the tag says.
"""
GCIDE = r"""Abase \A*base"\, v. t. [imp. & p. p. {Abased}.] [F. abaisser.]
   1. To lower or depress; to throw or cast down; as, to abase
      the eye. --Bacon.
      [1913 Webster]

   2. To cast down or reduce low or lower, as in rank, office,
      condition in life, or estimation of worthiness.
      [1913 Webster]
Short
   No.
"""
WN = """adit
    n 1: a nearly horizontal passage from the surface into a mine
adjacent
    adj 1: nearest in space or position; immediately adjoining
           without intervening space [syn: {adjacent}, {next}]
    2: having a common boundary or edge; abutting; touching
"""
CLEANED = {
    "html": (PAGE.format(number=7).encode(), [f"{said(7)}\n{ITEM}"]),
    "pod": (
        POD.encode(),
        [
            "This paragraph explains emphasis, $a <=> $b and perlfunc/sort, and the manual as well.\n"
            "Another paragraph follows an item, and it has bold words in it."
        ],
    ),
    "man": (
        zipped(MAN),
        [
            'The open(2) call opens a file, and flags say how; it "may" fail -- or not-at-all.\n'
            "O_APPEND The file is opened in append mode, as the text after the tag says."
        ],
    ),
    "gcide": (
        zipped(GCIDE),
        [
            "Abase: To lower or depress; to throw or cast down; as, to abase the eye.\n"
            "Abase: To cast down or reduce low or lower, as in rank, office, condition in life, or estimation of"
            " worthiness."
        ],
    ),
    "wn": (
        zipped(WN),
        [
            "adit: a nearly horizontal passage from the surface into a mine.",
            "adjacent: nearest in space or position; immediately adjoining without intervening space.\n"
            "adjacent: having a common boundary or edge; abutting; touching.",
        ],
    ),
}


@pytest.mark.parametrize(("kind", "content", "documents"), [(kind, *row) for kind, row in CLEANED.items()], ids=CLEANED)
def test_files_become_prose(kind, content, documents):
    cleaner = kind if kind in cleaners.CLEANERS else "dictionary"
    assert prose_of([content], cleaner)[0] == documents


def test_a_packed_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(cleaners, "MAX_UNPACKED", 1000)
    with pytest.raises(ValueError, match="unpacks to more than 1,000 bytes"):
        prose_of([zipped("x" * 2000)], "man")
    with pytest.raises(ValueError, match="damaged"):
        prose_of([b"\x1f\x8b broken"], "man")


def test_a_run_records_versions_and_licences(programs, tmp_path):
    with_apt(programs, tmp_path, packed(pages(*range(20))))
    dataset = DatasetConfig(
        name="debian_docs", packages=[SQLITE], split_mode="random", cache_dir=str(tmp_path / "cache")
    )
    data = prepare_dataset(dataset, TokenizerConfig(), tmp_path / "data")
    assert data.sha256 == load_corpus(dataset).sha256
    (source,) = json.loads((tmp_path / "data/dataset.json").read_text())["sources"]
    assert (source["location"], source["licence"]) == (f"Debian package {SQLITE} {VERSION}", "public-domain, GPL-2+")
    (known,) = provenances(dataset, tmp_path / "data")
    assert (known.origin, known.licence) == (f"the Debian package {SQLITE}, version {VERSION}", source["licence"])
    (unknown,) = provenances(dataset, tmp_path / "elsewhere")
    assert (unknown.origin, unknown.licence) == (f"the Debian package {SQLITE}", "public domain")
    assert len(provenances(DatasetConfig(name="debian_docs"), tmp_path)) == len(DEFAULT)
