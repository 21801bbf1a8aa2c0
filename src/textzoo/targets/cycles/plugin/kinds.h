/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * Kinds of instructions; the names are those of encodings.py. */
#ifndef TZ_KINDS_H
#define TZ_KINDS_H

#define TZ_KINDS(X) \
    X(ADD) X(LOGIC) X(SHIFT) X(EXTRACT) X(BITS) X(INSERT) X(MUL) X(MAC) X(LONG) X(DIV) \
    X(LOAD) X(STORE) X(LOAD2) X(STORE2) X(LOADS) X(STORES) \
    X(JUMP) X(BRANCH) X(CALL) X(INDIRECT) X(COMPARE_BRANCH) X(TABLE) \
    X(IT) X(NOP) X(BARRIER) X(PREFETCH) X(SYSTEM) \
    X(FLOAT) X(FLOAT_MAC) X(FLOAT_DIV) X(FLOAT_MOVE) X(FLOAT_LOAD) X(FLOAT_STORE) X(FLOAT_LOADS) X(FLOAT_STORES) \
    X(VECTOR_INT) X(VECTOR_MUL) X(VECTOR_CONTROL) X(VECTOR_LOAD) X(VECTOR_STORE) X(LOOP) X(LOOP_START)

#define TZ_KIND(name) name,
typedef enum { TZ_KINDS(TZ_KIND) KINDS } kind_t;
#undef TZ_KIND

#endif
