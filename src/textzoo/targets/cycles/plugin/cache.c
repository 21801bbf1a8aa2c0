/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdlib.h>

#include "model.h"

static uint64_t uses; /* of all caches, as a clock */

/* ways: 0 for a fully associative one. */
bool cache_make(cache_t *cache, uint32_t lines, uint32_t ways, uint32_t shift)
{
    if (lines == 0) {
        cache->sets = 0;
        return true;
    }
    cache->ways = ways == 0 || ways > lines ? lines : ways;
    cache->sets = lines / cache->ways;
    cache->shift = shift;
    cache->lines = calloc(lines, sizeof *cache->lines);
    cache->used = calloc(lines, sizeof *cache->used);
    cache->ready = calloc(lines, sizeof *cache->ready);
    return cache->lines != NULL && cache->used != NULL && cache->ready != NULL;
}

static uint32_t first_of_set(const cache_t *cache, uint32_t line) { return line % cache->sets * cache->ways; }

/* Returns the place of a line, or `none`. */
static uint32_t place_of(const cache_t *cache, uint32_t line, uint32_t none)
{
    const uint32_t first = first_of_set(cache, line);
    for (uint32_t place = first; place < first + cache->ways; ++place) {
        if (cache->lines[place] == line && cache->used[place]) {
            return place;
        }
    }
    return none;
}

bool cache_has(const cache_t *cache, uint32_t address)
{
    return cache->sets && place_of(cache, address >> cache->shift, NO_LINE) != NO_LINE;
}

static uint32_t oldest_of_set(const cache_t *cache, uint32_t line)
{
    const uint32_t first = first_of_set(cache, line);
    uint32_t oldest = first;
    for (uint32_t place = first + 1; place < first + cache->ways; ++place) {
        if (cache->used[place] < cache->used[oldest]) {
            oldest = place;
        }
    }
    return oldest;
}

bool cache_use(cache_t *cache, uint32_t address)
{
    if (cache->sets == 0) {
        return false;
    }
    const uint32_t line = address >> cache->shift;
    uint32_t place = place_of(cache, line, NO_LINE);
    const bool is_there = place != NO_LINE;
    if (!is_there) {
        place = oldest_of_set(cache, line);
        cache->lines[place] = line;
        cache->ready[place] = 0;
    }
    cache->used[place] = ++uses;
    return is_there;
}

uint64_t *cache_ready(cache_t *cache, uint32_t address)
{
    return &cache->ready[place_of(cache, address >> cache->shift, 0)];
}
