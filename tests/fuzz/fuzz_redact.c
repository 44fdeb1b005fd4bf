/*
 * redact: lines with values to learn, up to an empty one; a line with a cap; then a text. The text may hold the stand-ins of
 * fuzz_fill() for a credential that is not learnt, and \1 to \8 for the values. Neither these nor their beginnings are shown,
 * in whatever case, and it takes a moment.
 */
#include <strings.h>
#include <time.h>

#include "fuzz.h"
#include "redact.h"

enum { VALUES = 8, SHORTEST = 8, PREFIX = 16 };

static char *values[VALUES];
static size_t count;

/* Credentials are printable ASCII without spaces. Brackets are for [redacted] alone, or the check would find that. */
static bool can_be_learnt(const char *value)
{
    if (strlen(value) < SHORTEST || strcmp(value, "redacted") == 0 || strpbrk(value, "[]"))
        return false;
    for (; *value; value++)
        if ((unsigned char)*value <= ' ' || (unsigned char)*value >= 0x7f)
            return false;
    return true;
}

static void learn_values(struct input *in)
{
    for (count = 0; count < VALUES;) {
        char *value = input_line(in);
        size_t len = strlen(value);
        if (can_be_learnt(value)) {
            REQUIRE(redact_learn(value, len) == 0);
            values[count++] = value;
            continue;
        }
        free(value);
        if (len == 0)
            return;
    }
}

static void fill(struct buf *text, const char *rest, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        size_t value = (unsigned char)rest[i] - (size_t)1;
        if (value < count)
            REQUIRE(buf_puts(text, values[value]) == BUF_OK);
        else
            fuzz_fill(text, rest + i, 1);
    }
}

/* The id of a token before its secret may be shown. */
static bool has_public_part(const char *value)
{
    return strncasecmp(value, "idt:", 4) == 0 && strchr(value + 4, ':');
}

static bool shows_case(const struct buf *out, const char *value, size_t len)
{
    for (size_t at = 0; at + len <= out->len; at++)
        if (strncasecmp(buf_text(out) + at, value, len) == 0)
            return true;
    return false;
}

static void check(const struct buf *out)
{
    REQUIRE(out->len <= out->cap);
    REQUIRE(!fuzz_shows(buf_text(out), out->len, FUZZ_SECRET));
    for (size_t i = 0; i < count; i++) {
        REQUIRE(!shows_case(out, values[i], strlen(values[i])));
        REQUIRE(strlen(values[i]) <= PREFIX || has_public_part(values[i]) || !shows_case(out, values[i], PREFIX));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {(const char *)data, size};
    struct buf text, out;
    size_t len;
    if (fuzz_shows((const char *)data, size, "Credential")) /* the fuzzer has learnt it from the check: not a fair input */
        return 0;
    learn_values(&in);
    char *cap = input_line(&in), *rest = input_rest(&in, &len);
    buf_init(&text, (size_t)1 << 24);
    buf_init(&out, (size_t)strtoul(cap, NULL, 10));
    fill(&text, rest, len);
    char *exact = malloc(text.len ? text.len : 1);
    REQUIRE(exact);
    memcpy(exact, buf_text(&text), text.len);
    clock_t began = clock();
    redact_append(&out, exact, text.len);
    REQUIRE(clock() - began < 5 * CLOCKS_PER_SEC);
    check(&out);
    buf_free(&text);
    buf_free(&out);
    free(exact);
    free(cap);
    free(rest);
    while (count > 0)
        free(values[--count]);
    redact_forget_all();
    return 0;
}
