/* Cortex-M55 with the vector extension for integers (Helium). The vector usually fits int8: then it is narrowed once,
 * VMLADAVA takes 16 columns at a time, and a vector of 32 or 64 columns stays in registers for all rows. Otherwise it
 * takes 8 columns at a time as int16. Loops end within a vector by predication, so that nothing is read behind a row.
 * Sums wrap like the generic kernel's: the same integers. */
#include "textzoo/dot_rows_s8.h"

enum { LARGEST = 128 /* columns that are narrowed */ };

/* Whether all numbers fit int8; their lower bytes go to `narrow`. */
static int narrow_vector(const int16_t *vector, int32_t length, int8_t *narrow)
{
    int32_t largest = INT8_MAX, smallest = INT8_MIN;
    __asm__ volatile("dlstp.16 lr, %[length]\n"
                     "1:\n"
                     "vldrh.16 q0, [%[vector]], #16\n"
                     "vmaxv.s16 %[largest], q0\n"
                     "vminv.s16 %[smallest], q0\n"
                     "vstrb.16 q0, [%[narrow]], #8\n"
                     "letp lr, 1b\n"
                     : [vector] "+r"(vector), [largest] "+r"(largest), [smallest] "+r"(smallest), [narrow] "+l"(narrow)
                     : [length] "r"(length)
                     : "lr", "q0", "memory");
    return largest == INT8_MAX && smallest == INT8_MIN;
}

#define SIXTEEN(multiply, sum, vector)                                                                                 \
    "vldrb.8 q0, [%[rows]], #16\n" multiply ".s8 " sum ", " vector ", q0\n"
#define ROW_OF_32(sum) SIXTEEN("vmladav", sum, "q1") SIXTEEN("vmladava", sum, "q2")
#define ROW_OF_64(sum) ROW_OF_32(sum) SIXTEEN("vmladava", sum, "q3") SIXTEEN("vmladava", sum, "q4")
/* Two rows in every iteration. */
#define DOT_PAIRS_OF_ROWS(load_vector, row)                                                                            \
    __asm__ volatile(load_vector "wls lr, %[pairs], 2f\n"                                                              \
                                 "1:\n" row("r0") row("r2") "strd r0, r2, [%[sums]], #8\n"                             \
                                 "le lr, 1b\n"                                                                         \
                                 "2:\n"                                                                                \
                     : [rows] "+r"(rows), [sums] "+r"(sums)                                                            \
                     : [vector] "r"(vector), [pairs] "r"(pairs)                                                        \
                     : "r0", "r2", "lr", "q0", "q1", "q2", "q3", "q4", "memory")
#define LOAD_32 "vldrb.8 q1, [%[vector]]\nvldrb.8 q2, [%[vector], #16]\n"
#define LOAD_64 LOAD_32 "vldrb.8 q3, [%[vector], #32]\nvldrb.8 q4, [%[vector], #48]\n"

static void dot_pairs_of_32(const int8_t *rows, int32_t pairs, const int8_t *vector, int32_t *sums)
{
    DOT_PAIRS_OF_ROWS(LOAD_32, ROW_OF_32);
}

static void dot_pairs_of_64(const int8_t *rows, int32_t pairs, const int8_t *vector, int32_t *sums)
{
    DOT_PAIRS_OF_ROWS(LOAD_64, ROW_OF_64);
}

static int32_t dot_narrow(const int8_t *row, const int8_t *vector, int32_t length)
{
    register int32_t sum __asm__("r0") = 0; /* an even register */
    __asm__ volatile("dlstp.8 lr, %[length]\n"
                     "1:\n"
                     "vldrb.8 q0, [%[row]], #16\n"
                     "vldrb.8 q1, [%[vector]], #16\n"
                     "vmladava.s8 %[sum], q0, q1\n"
                     "letp lr, 1b\n"
                     : [sum] "+r"(sum), [row] "+r"(row), [vector] "+r"(vector)
                     : [length] "r"(length)
                     : "lr", "q0", "q1", "memory");
    return sum;
}

static int32_t dot_wide(const int8_t *row, const int16_t *vector, int32_t length)
{
    register int32_t sum __asm__("r0") = 0; /* an even register */
    __asm__ volatile("dlstp.16 lr, %[length]\n"
                     "1:\n"
                     "vldrb.s16 q0, [%[row]], #8\n"
                     "vldrh.16 q1, [%[vector]], #16\n"
                     "vmladava.s16 %[sum], q0, q1\n"
                     "letp lr, 1b\n"
                     : [sum] "+r"(sum), [row] "+l"(row), [vector] "+r"(vector)
                     : [length] "r"(length)
                     : "lr", "q0", "q1", "memory");
    return sum;
}

static void dot_narrow_rows(const int8_t *rows, int32_t count, int32_t length, const int8_t *vector, int32_t *sums)
{
    int32_t done = 0;
    if (length == 64 || length == 32) {
        done = count & -2;
        (length == 64 ? dot_pairs_of_64 : dot_pairs_of_32)(rows, count / 2, vector, sums);
    }
    for (; done < count; ++done) {
        sums[done] = dot_narrow(rows + done * length, vector, length);
    }
}

void tz_dot_rows_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t *sums)
{
    int8_t narrow[LARGEST]; /* (length) the vector, where it fits */
    if (length <= LARGEST && narrow_vector(vector, length, narrow)) {
        dot_narrow_rows(rows, count, length, narrow, sums);
        return;
    }
    for (int32_t row = 0; row < count; ++row) {
        sums[row] = dot_wide(rows + row * length, vector, length);
    }
}
