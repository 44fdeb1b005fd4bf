/*
 * redact: lines with values to learn, up to an empty one; a line with a cap; then a text. The text may hold the stand-ins of
 * fuzz_fill() for a credential that is not learnt, and \1 to \8 for the values.
 */
#include <ctype.h>

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

/* Is the beginning of the value in the text where the value itself is not, and not at the end, where it may be cut off? */
static bool begins_elsewhere(const struct buf *text, const char *value)
{
    const char *p = buf_text(text), *end = p + text->len;
    for (; (p = memmem(p, (size_t)(end - p), value, PREFIX)) != NULL; p++) {
        size_t left = (size_t)(end - p);
        if (memcmp(p, value, left < strlen(value) ? left : strlen(value)) != 0)
            return true;
    }
    return false;
}

static void check(const struct buf *text, const struct buf *out)
{
    REQUIRE(out->len <= out->cap);
    REQUIRE(!fuzz_shows(buf_text(out), out->len, FUZZ_SECRET));
    for (size_t i = 0; i < count; i++) {
        REQUIRE(!memmem(buf_text(out), out->len, values[i], strlen(values[i])));
        if (strlen(values[i]) > PREFIX && !begins_elsewhere(text, values[i]))
            REQUIRE(!memmem(buf_text(out), out->len, values[i], PREFIX));
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
    redact_append(&out, exact, text.len);
    check(&text, &out);
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
