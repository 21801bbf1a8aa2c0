/* The interface that pqm4's schemes expect; kem.c implements it. */
#ifndef RANDOMBYTES_H
#define RANDOMBYTES_H

#include <stddef.h>
#include <stdint.h>

int randombytes(uint8_t *bytes, size_t count);

#endif
