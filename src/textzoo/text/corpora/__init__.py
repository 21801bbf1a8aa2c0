"""Where text comes from: the table of corpora, and one file per corpus that is made or downloaded."""
