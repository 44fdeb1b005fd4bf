/* redact: see redact.h. One pass over the text; what any rule matches, from any byte on, is masked. */
#include "redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    MAX_LEARNT = 8,
    SHORTEST = 8,
    CUT_OFF = 16,         /* so many bytes of a value at the very end are taken for it: the text may have been cut there */
    MOST_BACKSLASHES = 8, /* of one escape */
};

static struct {
    char *value;
    size_t len;
} learnt[MAX_LEARNT];
static size_t learnt_count;

int redact_learn(const char *value, size_t len)
{
    if (len < SHORTEST)
        return 0;
    for (size_t i = 0; i < learnt_count; i++)
        if (learnt[i].len == len && memcmp(learnt[i].value, value, len) == 0)
            return 0;
    if (learnt_count == MAX_LEARNT)
        return -1;
    char *copy = malloc(len);
    if (!copy)
        return -1;
    memcpy(copy, value, len);
    learnt[learnt_count].value = copy;
    learnt[learnt_count++].len = len;
    return 0;
}

void redact_forget_all(void)
{
    while (learnt_count > 0) {
        learnt_count--;
        explicit_bzero(learnt[learnt_count].value, learnt[learnt_count].len);
        free(learnt[learnt_count].value);
    }
}

/* A match: the first `keep` bytes stay, the next `mask` are replaced. mask == 0 means none. */
struct match {
    size_t keep, mask;
};

/* ---- secrets that are written otherwise than they are ---- */

static size_t hex(const char *text, size_t len, size_t digits, unsigned *code)
{
    char number[5] = "";
    if (len < digits)
        return 0;
    memcpy(number, text, digits);
    *code = (unsigned)strtoul(number, NULL, 16);
    return strspn(number, "0123456789abcdefABCDEF") == digits ? digits : 0;
}

static bool escapes(char c)
{
    return c == '%' || c == '\\';
}

/*
 * The length of an escape at `text`, and what it stands for: %2F as in a URL, \/ and \u002F as in JSON, also with the more
 * backslashes of JSON within a string of JSON. 0 where there is none.
 */
static size_t unescape(const char *text, size_t len, unsigned *code)
{
    size_t at = 0, digits;
    if (len > 0 && text[0] == '%')
        return hex(text + 1, len - 1, 2, code) ? 3 : 0;
    while (at < len && at < MOST_BACKSLASHES && text[at] == '\\')
        at++;
    if (at == 0 || at == len)
        return 0;
    if (text[at] == 'u' && (digits = hex(text + at + 1, len - at - 1, 4, code)))
        return at + 1 + digits;
    *code = (unsigned char)text[at];
    return isalnum((unsigned char)text[at]) ? 0 : at + 1; /* \n is no n */
}

/* The length of the value at `text`, whichever of its bytes are escaped. */
static size_t escaped_length(const char *text, size_t len, const char *value, size_t value_len)
{
    size_t at = 0;
    for (size_t i = 0; i < value_len; i++) {
        unsigned code;
        size_t step = unescape(text + at, len - at, &code);
        if (step && code == (unsigned char)value[i])
            at += step;
        else if (at < len && text[at] == value[i])
            at++;
        else /* or the text was cut off here, perhaps within an escape */
            return i >= CUT_OFF && (at == len || (!step && escapes(text[at]) && len - at < MOST_BACKSLASHES)) ? len : 0;
    }
    return at;
}

static size_t plain_length(const char *text, size_t len, const char *value, size_t value_len)
{
    size_t n = len < value_len ? len : value_len;
    return (n == value_len || n >= CUT_OFF) && memcmp(text, value, n) == 0 ? n : 0;
}

static size_t learnt_length(const char *text, size_t len)
{
    size_t longest = 0;
    for (size_t i = 0; i < learnt_count; i++) {
        if (text[0] != learnt[i].value[0] && !escapes(text[0]))
            continue; /* nearly always */
        size_t n = plain_length(text, len, learnt[i].value, learnt[i].len);
        if (n == 0)
            n = escaped_length(text, len, learnt[i].value, learnt[i].len);
        if (n > longest)
            longest = n;
    }
    return longest;
}

/* ---- secrets that are known by what stands before them ---- */

/* A secret may be echoed as part of a URL or of JSON, and its colons escaped. */
static size_t colon(const char *text, size_t len)
{
    unsigned code;
    if (len >= 1 && text[0] == ':')
        return 1;
    size_t n = unescape(text, len, &code);
    return n && code == ':' ? n : 0;
}

static bool in_id(unsigned c)
{
    return c < 0x80 && (isalnum((int)c) || c == '-' || c == '_');
}

static bool in_secret(unsigned c)
{
    return in_id(c) || (c < 0x80 && c != '\0' && strchr("+/=._~", (int)c));
}

/* The end of what consists of such characters, escaped or not. */
static size_t end_of(bool (*in)(unsigned), const char *text, size_t at, size_t len)
{
    unsigned code;
    for (size_t n; at < len; at += n)
        if (in((unsigned char)text[at]))
            n = 1;
        else if (!(n = unescape(text + at, len - at, &code)) || !in(code))
            break;
    return at;
}

/* `idt:TKN-0000-0001:secret`: everything after the second colon that can belong to a secret. */
static struct match match_idt(const char *text, size_t len)
{
    if (len < 4 || strncasecmp(text, "idt", 3) != 0)
        return (struct match){0};
    size_t at = 3, step = colon(text + at, len - at);
    if (!step)
        return (struct match){0};
    at = end_of(in_id, text, at + step, len);
    step = colon(text + at, len - at);
    if (!step)
        return (struct match){0};
    at += step;
    return (struct match){.keep = at, .mask = end_of(in_secret, text, at, len) - at};
}

static size_t spaces(const char *text, size_t at, size_t len)
{
    while (at < len && (text[at] == ' ' || text[at] == '\t'))
        at++;
    return at;
}

static bool ends_authorization(const char *text, size_t at, size_t len)
{
    return at >= len || strchr("\r\n\"'", text[at]);
}

/* `Authorization: Bearer x`, and the same as a JSON member: what follows, up to the end of the line or the closing quote. */
static struct match match_authorization(const char *text, size_t len)
{
    static const char name[] = "authorization";
    if (len <= sizeof name || strncasecmp(text, name, sizeof name - 1) != 0)
        return (struct match){0};
    size_t at = sizeof name - 1;
    bool quoted = text[at] == '"';
    at = spaces(text, at + quoted, len);
    if (at == len || text[at] != ':')
        return (struct match){0};
    at = spaces(text, at + 1, len);
    while (at < len && (text[at] == '"' || text[at] == '['))
        at++;
    size_t end = at;
    while (!ends_authorization(text, end, len))
        end++;
    return (struct match){.keep = at, .mask = end - at};
}

/* `"token": "x"` in JSON, also where the JSON itself stands in a string (`\"token\":\"x\"`). */
static struct match match_token_member(const char *text, size_t len)
{
    static const char name[] = "\"token";
    if (len < sizeof name || strncasecmp(text, name, sizeof name - 1) != 0)
        return (struct match){0};
    size_t at = sizeof name - 1;
    bool escaped = text[at] == '\\';
    at += escaped;
    if (at >= len || text[at] != '"')
        return (struct match){0};
    at = spaces(text, at + 1, len);
    if (at >= len || text[at] != ':')
        return (struct match){0};
    at = spaces(text, at + 1, len);
    at += escaped && at < len && text[at] == '\\';
    if (at >= len || text[at] != '"')
        return (struct match){0};
    at++;
    size_t end = at;
    while (end < len && text[end] != '"' && !(escaped && text[end] == '\\'))
        end += (text[end] == '\\' && end + 1 < len) ? 2 : 1;
    return (struct match){.keep = at, .mask = end - at};
}

static struct match match_rule(const char *text, size_t len)
{
    switch (text[0]) {
    case 'i':
    case 'I':
        return match_idt(text, len);
    case 'a':
    case 'A':
        return match_authorization(text, len);
    case '"':
        return match_token_member(text, len);
    default:
        return (struct match){0};
    }
}

/* As much of it as fits: it has no secret in it, so it may be cut anywhere. */
static enum buf_status append_fitting(struct buf *out, const char *text, size_t len)
{
    size_t room = out->cap - out->len;
    enum buf_status status = buf_append(out, text, len < room ? len : room);
    return status == BUF_OK && len > room ? BUF_FULL : status;
}

/* A stretch of the text that will be masked. What matches before its end makes it longer, so that two that overlap hide all. */
struct stretch {
    size_t from, to;
};

static void extend(struct stretch *hidden, size_t at, struct match m)
{
    size_t from = at + m.keep, to = from + m.mask;
    if (m.mask == 0)
        return;
    bool pending = hidden->to > at;
    hidden->from = pending && hidden->from < from ? hidden->from : from;
    hidden->to = pending && hidden->to > to ? hidden->to : to;
}

/* An Authorization within a hidden one ends where that does. Not looking again keeps the time linear, whatever a server sends.
 */
static bool is_known(const struct stretch *hidden, const char *text, size_t at, size_t len)
{
    return (text[at] == 'a' || text[at] == 'A') && hidden->from <= at && at < hidden->to &&
           ends_authorization(text, hidden->to, len);
}

enum buf_status redact_append(struct buf *out, const char *text, size_t len)
{
    size_t from = 0;
    struct stretch hidden = {0};
    for (size_t at = 0; at < len; at++) {
        extend(&hidden, at, (struct match){.mask = learnt_length(text + at, len - at)});
        if (!is_known(&hidden, text, at, len))
            extend(&hidden, at, match_rule(text + at, len - at));
        if (hidden.to != at + 1)
            continue;
        enum buf_status status = append_fitting(out, text + from, hidden.from - from);
        if (status == BUF_OK)
            status = append_fitting(out, REDACTED, sizeof REDACTED - 1);
        if (status != BUF_OK)
            return status;
        from = hidden.to;
    }
    return append_fitting(out, text + from, len - from);
}
