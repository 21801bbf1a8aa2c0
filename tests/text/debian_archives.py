"""Debian packages made for tests: .deb files, and stand-ins for dpkg-query, apt-cache and apt-get."""

import gzip
import io
import lzma
import tarfile

COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Files: *
License: public-domain

Files: debian/*
License: GPL-2+
 and more
"""
PAGE = """<html><head><title>Title of a page that is not prose at all.</title><style>p {{ }}</style></head><body>
<nav><p>The navigation of a page is left out, however long its sentences are.</p></nav>
<h1>A heading</h1><pre>The code of an example is left out, too, however long it may be.</pre>
<p>The <b>number</b> of this page is {number}, and a sentence says so&nbsp;&mdash; in&#32;words.
<ul><li>An item of a list is a paragraph, and this one stands on every page.<li>Short.</ul>
<script>var x = "The script of a page is left out, however long it may be.";</script></body></html>"""


def pages(*numbers, root="usr/share/doc/sqlite3"):
    found = {f"{root}/page{number}.html": PAGE.format(number=number).encode() for number in numbers}
    return {**found, "usr/share/doc/sqlite3-doc/copyright": COPYRIGHT.encode()}


def tar_of(files, kinds=None):
    """A tar archive of plain files, or of other kinds by name."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size, entry.type = len(content), (kinds or {}).get(name, tarfile.REGTYPE)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def deb_of(data, name="data.tar.xz"):
    """A .deb (deb(5)) around a packed archive."""
    made = b"!<arch>\n"
    for member, content in (("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), (name, data)):
        made += f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        made += b"\n" * (len(content) % 2)
    return made


def packed(files, kinds=None):
    return deb_of(lzma.compress(tar_of(files, kinds)))


def zipped(text):
    return gzip.compress(text.encode())


def stand_in(folder, name, script):
    """A program of the folder."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
