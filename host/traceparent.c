/* traceparent: see traceparent.h. */
#include "traceparent.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "random.h"

enum { SPAN_AT = 36 }; /* after "00-", 32 digits and "-" */

/* All zeros is not a valid id. */
static uint64_t random_id(void)
{
    uint64_t id;
    do
        id = random_bits();
    while (id == 0);
    return id;
}

void traceparent_begin(char text[TRACEPARENT_SIZE])
{
    snprintf(text, TRACEPARENT_SIZE, "00-%016" PRIx64 "%016" PRIx64 "-", random_id(), random_id());
    traceparent_next(text);
}

void traceparent_next(char text[TRACEPARENT_SIZE])
{
    snprintf(text + SPAN_AT, TRACEPARENT_SIZE - SPAN_AT, "%016" PRIx64 "-01", random_id());
}
