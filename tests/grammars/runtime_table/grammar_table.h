/* grammar_table.h as TextZoo writes it, but with contents that a test sets while it runs. */
#ifndef TEXTZOO_GRAMMAR_TABLE_H
#define TEXTZOO_GRAMMAR_TABLE_H

#include <stdint.h>

#ifndef VOCABULARY_SIZE
#error "the size of the vocabulary is a flag"
#endif
#define GRAMMAR_VOCABULARY_SIZE VOCABULARY_SIZE
#define GRAMMAR_BYTES 65536
#define GRAMMAR_TOKEN_BYTES (VOCABULARY_SIZE > 256 ? 2 : 1)
#define GRAMMAR_START grammar_start
#define GRAMMAR_LONGEST grammar_longest
#define GRAMMAR_SPANS grammar_spans
#define GRAMMAR_HAS_SPANS 1
#define GRAMMAR_HAS_SHORT_FORMS 1
#define GRAMMAR_SETS 256

extern uint16_t grammar_start;
extern int32_t grammar_longest;
extern int32_t grammar_spans;
extern uint8_t grammar_records[GRAMMAR_BYTES];
extern uint8_t grammar_sets[GRAMMAR_SETS][(GRAMMAR_VOCABULARY_SIZE + 7) / 8];
extern uint8_t grammar_first_bytes[GRAMMAR_VOCABULARY_SIZE];

#endif
