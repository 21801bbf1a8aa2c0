/* Pre-tokenization into words, digits, marks and blanks: textzoo.text.tokenizers.pieces in C, for tokenizers of kind
 * word and bpe. Invalid UTF-8 counts as U+FFFD, a mark. */
#ifndef TEXTZOO_PIECES_H
#define TEXTZOO_PIECES_H

#include <stddef.h>

enum {
    PIECES_MAX_LETTERS = 16,                      /* letters */
    PIECES_MAX_BYTES = 1 + 4 * PIECES_MAX_LETTERS /* of a piece: a space, and four bytes a letter */
};

/* The end of the piece that begins at bytes[at]; at < count. A piece has at most `longest_run` (1 to 16) marks, or
 * blanks. */
size_t pieces_end(const char *bytes, size_t count, size_t at, int longest_run);

/* Write bytes (count), one piece, to `piece` (PIECES_MAX_BYTES), as valid UTF-8; returns how many were written. */
size_t pieces_copy(const char *bytes, size_t count, char *piece);

#endif
