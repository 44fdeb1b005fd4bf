/* retry_after: a line with Retry-After, and perhaps one with Date, as a server sends them. */
#include "fuzz.h"
#include "retry.h"

#define NOW_MS INT64_C(1754301600000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {(const char *)data, size};
    char *value = input_line(&in);
    char *date = in.left ? input_line(&in) : NULL;
    int64_t ms = retry_after_ms(value, date, NOW_MS);
    REQUIRE(ms >= -1 && ms <= RETRY_AFTER_CAP_MS);
    REQUIRE(ms <= 0 || ms % 1000 == 0 || ms == RETRY_AFTER_CAP_MS);
    /* A relative time does not depend on anyone's clock, and a date does not on ours when the server has told its own. */
    if (strspn(value, " \t0123456789") == strlen(value))
        REQUIRE(retry_after_ms(value, NULL, 0) == ms);
    free(value);
    free(date);
    return 0;
}
