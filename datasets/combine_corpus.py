"""Combine texts into one corpus: merge, normalise, deduplicate, and record where everything came from.

    python datasets/combine_corpus.py book.txt notes/ --output datasets/mine.txt --ascii

As a function: textzoo.text.corpora.combining.combine_corpus(inputs, output, ...).
"""

import sys

from textzoo.text.corpora.combining import main

if __name__ == "__main__":
    sys.exit(main())
