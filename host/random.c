/* random: see random.h. */
#include "random.h"

#include <stddef.h>
#include <stdlib.h>

uint64_t random_bits(void)
{
    enum { COUNT = 64 };
    static uint64_t pool[COUNT];
    static size_t left;
    if (left == 0) {
        arc4random_buf(pool, sizeof pool);
        left = COUNT;
    }
    return pool[--left];
}
