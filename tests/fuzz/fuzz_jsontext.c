/* jsontext: any bytes. What json_quote() writes is a JSON string that says the same; what json_scan() passes stays JSON. */
#include <ctype.h>

#include "fuzz.h"
#include "jsontext.h"

enum { DEPTH = 16 };

/* RFC 3629 once more, by value: decode, and see whether that was the shortest form of a character that exists. */
static size_t character(const unsigned char *s, size_t left)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
    unsigned long code = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (s[i] >> 6 != 2)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    return code < least[n] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) ? 0 : n;
}

static size_t valid_length(const char *text, size_t len)
{
    size_t at = 0;
    for (size_t n; at < len && (n = character((const unsigned char *)text + at, len - at)) > 0; at += n)
        ;
    return at;
}

/* What a reader of the JSON string makes of it; only the escapes that json_quote() may use. */
static void unquote(struct buf *plain, const char *text, size_t len)
{
    static const char escapes[] = "\"\\nrt", meant[] = "\"\\\n\r\t";
    REQUIRE(len >= 2 && text[0] == '"' && text[len - 1] == '"');
    for (size_t at = 1; at < len - 1; at++) {
        unsigned code;
        char c = text[at];
        REQUIRE((unsigned char)c >= 0x20 && c != '"');
        if (c == '\\') {
            c = text[++at];
            REQUIRE(at < len - 1 && (c == 'u' || strchr(escapes, c)));
            if (c == 'u') {
                REQUIRE(sscanf(text + at + 1, "00%2x", &code) == 1 && code < 0x20);
                c = (char)code;
                at += 4;
            } else {
                c = meant[strchr(escapes, c) - escapes];
            }
        }
        REQUIRE(buf_putc(plain, c) == BUF_OK);
    }
}

/* The text with U+FFFD for every byte that belongs to no character. */
static void replace(struct buf *plain, const char *text, size_t len)
{
    for (size_t at = 0, n; at < len; at += n ? n : 1) {
        n = character((const unsigned char *)text + at, len - at);
        REQUIRE((n ? buf_append(plain, text + at, n) : buf_puts(plain, "\xEF\xBF\xBD")) == BUF_OK);
    }
}

static void check_quote(const char *text, size_t len)
{
    struct buf quoted, plain, expected, rewritten;
    char why[128];
    buf_init(&quoted, 6 * len + 2); /* no byte needs more */
    buf_init(&plain, 6 * len + 2);
    buf_init(&expected, 6 * len + 2);
    buf_init(&rewritten, 16 * len + 64);
    REQUIRE(json_quote(&quoted, text, len) == BUF_OK);
    REQUIRE(valid_length(buf_text(&quoted), quoted.len) == quoted.len);
    unquote(&plain, buf_text(&quoted), quoted.len);
    replace(&expected, text, len);
    REQUIRE(plain.len == expected.len && memcmp(buf_text(&plain), buf_text(&expected), plain.len) == 0);
    REQUIRE(json_scan(quoted.data, quoted.len, DEPTH, &rewritten, why, sizeof why));
    buf_free(&quoted);
    buf_free(&plain);
    buf_free(&expected);
    buf_free(&rewritten);
}

static void check_scan(const char *text, size_t len)
{
    struct buf once, twice;
    char why[128] = "";
    unsigned long at = 0;
    buf_init(&once, 8 * len + 64);
    buf_init(&twice, 64 * len + 512);
    if (json_scan(text, len, DEPTH, &once, why, sizeof why)) {
        REQUIRE(valid_length(text, len) == len);
        REQUIRE(valid_length(buf_text(&once), once.len) == once.len);
        REQUIRE(once.len == 0 || json_scan(once.data, once.len, DEPTH, &twice, why, sizeof why));
    } else {
        const char *place = strstr(why, " at byte ");
        REQUIRE(place && sscanf(place, " at byte %lu", &at) == 1 && at >= 1 && at <= len + 1);
    }
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {(const char *)data, size};
    size_t len;
    char *text = input_rest(&in, &len);
    REQUIRE(utf8_valid_length(text, len) == valid_length(text, len));
    REQUIRE(json_is_utf8(text, len) == (valid_length(text, len) == len));
    check_quote(text, len);
    check_scan(text, len);
    free(text);
    return 0;
}
