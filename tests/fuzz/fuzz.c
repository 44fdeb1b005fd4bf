/* fuzz: see fuzz.h. */
#include "fuzz.h"

#include <ctype.h>

#include "jsontext.h"

_Noreturn void fuzz_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

char *input_line(struct input *in)
{
    const char *newline = in->left ? memchr(in->at, '\n', in->left) : NULL;
    size_t len = newline ? (size_t)(newline - in->at) : in->left;
    char *line = malloc(len + 1);
    REQUIRE(line);
    memcpy(line, in->at, len);
    line[len] = '\0';
    in->at += len + (newline != NULL);
    in->left -= len + (newline != NULL);
    return line;
}

char *input_rest(struct input *in, size_t *len)
{
    char *rest = malloc(in->left ? in->left : 1);
    REQUIRE(rest);
    memcpy(rest, in->at, *len = in->left);
    return rest;
}

static void escape_secret(struct buf *out, bool all)
{
    static const char credential[] = FUZZ_CREDENTIAL;
    REQUIRE(buf_append(out, credential, FUZZ_PLAIN) == BUF_OK);
    for (size_t i = FUZZ_PLAIN; credential[i]; i++)
        REQUIRE((all || i % 2 ? buf_printf(out, i % 3 ? "\\u%04x" : "\\u%04X", (unsigned)credential[i])
                              : buf_putc(out, credential[i])) == BUF_OK);
}

void fuzz_fill(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '`')
            REQUIRE(buf_puts(out, FUZZ_CREDENTIAL) == BUF_OK);
        else if (text[i] == '^' || text[i] == '~')
            escape_secret(out, text[i] == '^');
        else
            REQUIRE(buf_putc(out, text[i]) == BUF_OK);
}

/* One character of a JSON string that is ASCII; others become '?', which is in no secret. */
static char next_char(const char *text, size_t len, size_t *at)
{
    char digits[5] = "";
    unsigned code;
    if (text[*at] != '\\' || len - *at < 2)
        return text[(*at)++];
    if (text[*at + 1] == 'u' && len - *at >= 6) {
        memcpy(digits, text + *at + 2, 4);
        if (strspn(digits, "0123456789abcdefABCDEF") == 4 && sscanf(digits, "%4x", &code) == 1) {
            *at += 6;
            return code < 0x80 ? (char)code : '?';
        }
    }
    *at += 2;
    return text[*at - 1];
}

bool fuzz_shows(const char *text, size_t len, const char *secret)
{
    if (memmem(text, len, secret, strlen(secret)))
        return true;
    char *plain = malloc(len + 1);
    REQUIRE(plain);
    size_t at = 0, n = 0;
    while (at < len)
        plain[n++] = next_char(text, len, &at);
    bool shows = memmem(plain, n, secret, strlen(secret)) != NULL;
    free(plain);
    return shows;
}
