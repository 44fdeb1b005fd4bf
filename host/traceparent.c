/* traceparent: see traceparent.h. */
#include "traceparent.h"

#include <stdint.h>
#include <string.h>

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

static char *put(char *text, const char *piece)
{
    size_t len = strlen(piece);
    memcpy(text, piece, len);
    return text + len;
}

/* Not by printf, which takes longer than all the rest. */
static char *put_id(char *text)
{
    uint64_t id = random_id();
    for (int shift = 60; shift >= 0; shift -= 4)
        *text++ = "0123456789abcdef"[id >> shift & 15];
    return text;
}

void traceparent_begin(char text[TRACEPARENT_SIZE])
{
    put(put_id(put_id(put(text, "00-"))), "-");
    traceparent_next(text);
}

void traceparent_next(char text[TRACEPARENT_SIZE])
{
    *put(put_id(text + SPAN_AT), "-01") = '\0';
}
