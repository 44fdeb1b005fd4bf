/* jsontext: see jsontext.h. */
#include "jsontext.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The length of the sequence at `s`, 0 if it is not valid (RFC 3629, section 4). */
static size_t sequence(const unsigned char *s, size_t left)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t n;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        n = 2;
    else if (s[0] >= 0xE0 && s[0] <= 0xEF)
        n = 3;
    else if (s[0] >= 0xF0 && s[0] <= 0xF4)
        n = 4;
    else
        return 0;
    if (s[0] == 0xE0)
        low = 0xA0;
    else if (s[0] == 0xED)
        high = 0x9F;
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xF4)
        high = 0x8F;
    if (left < n || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (s[i] < 0x80 || s[i] > 0xBF)
            return 0;
    return n;
}

size_t utf8_valid_length(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t at = 0;
    while (at < len) {
        uint64_t eight;
        if (len - at >= 8 && (memcpy(&eight, s + at, 8), (eight & UINT64_C(0x8080808080808080)) == 0)) {
            at += 8; /* mostly it is plain ASCII */
            continue;
        }
        size_t n = sequence(s + at, len - at);
        if (n == 0)
            return at;
        at += n;
    }
    return len;
}

bool json_is_utf8(const char *text, size_t len)
{
    return utf8_valid_length(text, len) == len;
}

/*
 * The top bit of each byte that is a quote, a backslash, a control character, or not ASCII. Bytes above such a one may have it
 * too, where a test borrows from them.
 */
static uint64_t specials(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
    uint64_t quote = eight ^ (ones * '"'), backslash = eight ^ (ones * '\\');
    return (eight | (eight - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops;
}

size_t json_plain_length(const char *text, size_t len)
{
    size_t at = 0;
    for (uint64_t eight, found; len - at >= 8; at += 8) {
        memcpy(&eight, text + at, 8);
        if ((found = specials(eight)) == 0)
            continue;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return at + (size_t)__builtin_ctzll(found) / 8; /* the first is certain */
#else
        break;
#endif
    }
    while (at < len && (unsigned char)text[at] >= 0x20 && (unsigned char)text[at] < 0x80 && text[at] != '"' && text[at] != '\\')
        at++;
    return at;
}

static enum buf_status quote_byte(struct buf *out, unsigned char c)
{
    switch (c) {
    case '"':
        return buf_append(out, "\\\"", 2);
    case '\\':
        return buf_append(out, "\\\\", 2);
    case '\n':
        return buf_append(out, "\\n", 2);
    case '\r':
        return buf_append(out, "\\r", 2);
    case '\t':
        return buf_append(out, "\\t", 2);
    default:
        return buf_printf(out, "\\u%04x", c);
    }
}

enum buf_status json_quote(struct buf *out, const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t from = 0, at = 0;
    enum buf_status status = buf_putc(out, '"');
    while ((at += json_plain_length(text + at, len - at)) < len && status == BUF_OK) {
        size_t n = sequence(s + at, len - at);
        if (n > 0 && s[at] >= 0x20 && s[at] != '"' && s[at] != '\\') {
            at += n;
            continue;
        }
        status = buf_append(out, s + from, at - from);
        if (status == BUF_OK)
            status = n == 0 ? buf_puts(out, "\xEF\xBF\xBD") : quote_byte(out, s[at]);
        from = ++at;
    }
    if (status == BUF_OK)
        status = buf_append(out, s + from, at - from);
    return status == BUF_OK ? buf_putc(out, '"') : status;
}

/* ---- the scan ---- */

struct scan {
    const char *text;
    size_t len, at, copied; /* `copied`: up to where `out` is complete, once it is in use */
    unsigned depth, max_depth, values;
    struct buf *out;
    char *why;
    size_t why_size;
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct scan *s, const char *format, ...)
{
    char what[96];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(s->why, s->why_size, "%s at byte %zu", what, s->at + 1);
    return false;
}

/* Put `mark` and `digits` in place of the text from `from` to s->at. */
static bool rewrite(struct scan *s, size_t from, const char *mark, const char *rest, size_t rest_len)
{
    bool well = buf_append(s->out, s->text + s->copied, from - s->copied) == BUF_OK && buf_puts(s->out, mark) == BUF_OK &&
                buf_append(s->out, rest, rest_len) == BUF_OK;
    s->copied = s->at;
    return well || wrong(s, "out of memory");
}

static size_t skip_space(const struct scan *s, size_t at)
{
    while (at < s->len && strchr(" \t\r\n", s->text[at]) && s->text[at] != '\0')
        at++;
    return at;
}

static bool scan_string(struct scan *s)
{
    size_t from = s->at++;
    while (s->at < s->len && (s->at += json_plain_length(s->text + s->at, s->len - s->at)) < s->len && s->text[s->at] != '"') {
        if ((unsigned char)s->text[s->at] < 0x20)
            return wrong(s, "unescaped control character 0x%02x in a string", (unsigned char)s->text[s->at]);
        s->at += s->text[s->at] == '\\' ? 2 : 1;
    }
    if (s->at >= s->len) {
        s->at = s->len; /* a backslash at the end has no character behind it */
        return wrong(s, "a string is not closed");
    }
    s->at++;
    bool marked = s->at - from >= 8 && strncmp(s->text + from + 1, "\\u0000", 6) == 0;
    size_t next = marked ? skip_space(s, s->at) : 0;
    if (!marked || (next < s->len && s->text[next] == ':')) /* keys carry no marks */
        return true;
    return rewrite(s, from, "\"\\u0000s", s->text + from + 1, s->at - from - 1);
}

static size_t digits(const struct scan *s, size_t at)
{
    size_t from = at;
    while (at < s->len && isdigit((unsigned char)s->text[at]))
        at++;
    return at - from;
}

static bool fits_64_bits(const char *digits, size_t count, bool negative)
{
    const char *limit = negative ? "9223372036854775808" : "9223372036854775807";
    return count < 19 || (count == 19 && strncmp(digits, limit, 19) <= 0);
}

static bool scan_number(struct scan *s)
{
    size_t from = s->at, at = s->at + (s->text[s->at] == '-');
    size_t first = at, whole = digits(s, at);
    if (whole == 0 || (whole > 1 && s->text[at] == '0'))
        return wrong(s, "invalid number");
    at += whole;
    size_t integer_end = at;
    if (at < s->len && s->text[at] == '.') {
        size_t n = digits(s, at + 1);
        if (n == 0)
            return wrong(s, "invalid number");
        at += 1 + n;
    }
    if (at < s->len && (s->text[at] == 'e' || s->text[at] == 'E')) {
        at += 1 + (at + 1 < s->len && (s->text[at + 1] == '+' || s->text[at + 1] == '-'));
        size_t n = digits(s, at);
        if (n == 0)
            return wrong(s, "invalid number");
        at += n;
    }
    bool is_integer = at == integer_end;
    if (is_integer && !fits_64_bits(s->text + first, whole, first > from))
        return wrong(s, "an integer of more than 64 bits");
    s->at = at;
    if (!is_integer || whole <= 15) /* a double holds it */
        return true;
    return rewrite(s, from, "\"\\u0000i", s->text + from, at - from) &&
           (buf_putc(s->out, '"') == BUF_OK || wrong(s, "out of memory"));
}

static bool scan_open(struct scan *s)
{
    size_t from = s->at++;
    if (++s->depth > s->max_depth)
        return wrong(s, "nested deeper than %u levels", s->max_depth);
    size_t next = skip_space(s, s->at);
    if (s->text[from] != '[' || next >= s->len || s->text[next] != ']')
        return true;
    s->at = next + 1;
    s->depth--;
    return rewrite(s, from, "[\"\\u0000[]\"]", "", 0);
}

static bool scan_next(struct scan *s)
{
    char c = s->text[s->at];
    if ((c == ',' || c == '[' || c == '{') && ++s->values > JSON_MOST_VALUES) /* one follows, or this is one */
        return wrong(s, "more than %d values", JSON_MOST_VALUES);
    if (c == '"')
        return scan_string(s);
    if (c == '-' || isdigit((unsigned char)c))
        return scan_number(s);
    if (c == '[' || c == '{')
        return scan_open(s);
    if (c == '\0') /* the parser would take it for the end */
        return wrong(s, "zero byte");
    if ((c == ']' || c == '}') && s->depth > 0)
        s->depth--;
    s->at++; /* whether it may stand here, the parser knows */
    return true;
}

bool json_scan(const char *text, size_t len, unsigned max_depth, struct buf *out, char *why, size_t why_size)
{
    struct scan s = {.text = text, .len = len, .max_depth = max_depth, .out = out, .why = why, .why_size = why_size};
    s.at = utf8_valid_length(text, len);
    if (s.at < len)
        return wrong(&s, "invalid UTF-8");
    s.at = 0;
    while (s.at < len)
        if (!scan_next(&s))
            return false;
    if (out->len > 0 && buf_append(out, text + s.copied, len - s.copied) != BUF_OK)
        return wrong(&s, "out of memory");
    return true;
}
