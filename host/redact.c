/* redact: see redact.h. One pass over the text; at each byte, the longest rule that matches masks its value. */
#include "redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_LEARNT = 8, SHORTEST = 8 };

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

static struct match match_learnt(const char *text, size_t len)
{
    struct match best = {0};
    for (size_t i = 0; i < learnt_count; i++)
        if (learnt[i].len <= len && learnt[i].len > best.mask && memcmp(text, learnt[i].value, learnt[i].len) == 0)
            best.mask = learnt[i].len;
    return best;
}

/* Colons, and their percent-encoded form, because a secret may be echoed as part of a URL. */
static size_t colon(const char *text, size_t len)
{
    if (len >= 1 && text[0] == ':')
        return 1;
    return len >= 3 && strncasecmp(text, "%3A", 3) == 0 ? 3 : 0;
}

static bool in_id(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* `idt:TKN-0000-0001:secret`: everything after the second colon that can belong to a secret. */
static struct match match_idt(const char *text, size_t len)
{
    if (len < 4 || strncasecmp(text, "idt", 3) != 0)
        return (struct match){0};
    size_t at = 3, step = colon(text + at, len - at);
    if (!step)
        return (struct match){0};
    at += step;
    while (at < len && in_id(text[at]))
        at++;
    step = colon(text + at, len - at);
    if (!step)
        return (struct match){0};
    at += step;
    size_t end = at;
    while (end < len && (in_id(text[end]) || strchr("+/=._~", text[end])) && text[end] != '\0')
        end++;
    return (struct match){.keep = at, .mask = end - at};
}

static size_t spaces(const char *text, size_t at, size_t len)
{
    while (at < len && (text[at] == ' ' || text[at] == '\t'))
        at++;
    return at;
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
    while (end < len && !strchr("\r\n\"'", text[end]))
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

static struct match match_at(const char *text, size_t len)
{
    struct match m = match_learnt(text, len);
    if (m.mask)
        return m;
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
        return m;
    }
}

/* As much of it as fits: it has no secret in it, so it may be cut anywhere. */
static bool append_fitting(struct buf *out, const char *text, size_t len)
{
    size_t room = out->cap - out->len;
    return buf_append(out, text, len < room ? len : room) == BUF_OK && len <= room;
}

void redact_append(struct buf *out, const char *text, size_t len)
{
    size_t from = 0, at = 0;
    while (at < len) {
        struct match m = match_at(text + at, len - at);
        if (m.mask == 0) {
            at++;
            continue;
        }
        if (!append_fitting(out, text + from, at + m.keep - from) || !append_fitting(out, REDACTED, sizeof REDACTED - 1))
            return;
        at += m.keep + m.mask;
        from = at;
    }
    append_fitting(out, text + from, at - from);
}
