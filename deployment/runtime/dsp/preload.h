/* PRELOAD: an instruction of inline assembly with the operand [w], which reads the weights in order.
 *
 * A core with caches that waits for weights in slow memory, line by line, asks for a line while it computes with the
 * ones before it: TEXTZOO_PRELOAD bytes ahead, where the project defines that; it is once for each line of 32 bytes.
 * PLD is a hint without a result. It changes no value, and behind the last weight it reads or ignores an address that
 * need not exist. */
#ifndef TEXTZOO_DSP_PRELOAD_H
#define TEXTZOO_DSP_PRELOAD_H

#ifdef TEXTZOO_PRELOAD
#define TZ_TEXT(number) TZ_TEXT_OF(number)
#define TZ_TEXT_OF(number) #number
#define PRELOAD "pld [%[w], #" TZ_TEXT(TEXTZOO_PRELOAD) "]\n"
#else
#define PRELOAD
#endif

#endif
