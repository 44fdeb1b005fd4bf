/* redact: see redact.h. One pass over the text; what any rule matches, from any byte on, is masked. */
#include "redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spelling.h"

enum {
    MAX_LEARNT = 8,
    BEGINNING = 16, /* so many secret bytes at the beginning of a value are secret without the others */
};

static struct learnt {
    char *value;
    size_t len, least; /* the value is known by its first `least` bytes */
} learnt[MAX_LEARNT];
static size_t learnt_count;

/* Can what is masked begin with this byte? So most text is passed by. */
static const bool begins_rule[256] = {['i'] = true, ['I'] = true, ['a'] = true, ['A'] = true, ['"'] = true};
static bool begins_learnt[256], follows_learnt[256]; /* first and second bytes */

static void note_beginning(const char *value)
{
    for (int c = 0; c < 256; c++) {
        bool escape = spelling_escapes((char)c);
        begins_learnt[c] |= escape || tolower(c) == tolower((unsigned char)value[0]);
        follows_learnt[c] |= escape || tolower(c) == tolower((unsigned char)value[1]);
    }
}

/* By its first two bytes: may a learnt value begin here? */
static inline bool may_begin(const char *text, size_t len)
{
    return begins_learnt[(unsigned char)text[0]] &&
           (spelling_escapes(text[0]) || (len > 1 && follows_learnt[(unsigned char)text[1]]));
}

/* `idt:TKN-0000-0001:` is no secret. */
static size_t public_length(const char *value, size_t len)
{
    const char *colon = len > 4 && strncasecmp(value, "idt:", 4) == 0 ? memchr(value + 4, ':', len - 4) : NULL;
    return colon ? (size_t)(colon + 1 - value) : 0;
}

int redact_learn(const char *value, size_t len)
{
    if (len < REDACT_SHORTEST)
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
    size_t least = public_length(value, len) + BEGINNING;
    learnt[learnt_count++] = (struct learnt){.value = copy, .len = len, .least = least < len ? least : len};
    note_beginning(copy);
    return 0;
}

void redact_forget_all(void)
{
    while (learnt_count > 0) {
        learnt_count--;
        explicit_bzero(learnt[learnt_count].value, learnt[learnt_count].len);
        free(learnt[learnt_count].value);
    }
    memset(begins_learnt, 0, sizeof begins_learnt);
    memset(follows_learnt, 0, sizeof follows_learnt);
}

/* A match: the first `keep` bytes stay, the next `mask` are replaced. mask == 0 means none. */
struct match {
    size_t keep, mask;
};

/* Does the text begin like the value, as far as it is plain? Nearly always one or two bytes say no. */
static bool begins_like(const char *text, size_t len, const struct learnt *l)
{
    for (size_t i = 0; i < l->least; i++) {
        if (i == len)
            return false;
        if (spelling_escapes(text[i]))
            return true;
        if (tolower((unsigned char)text[i]) != tolower((unsigned char)l->value[i]))
            return false;
    }
    return true;
}

static size_t learnt_length(const char *text, size_t len)
{
    size_t longest = 0;
    for (size_t i = 0; i < learnt_count; i++) {
        const struct learnt *l = &learnt[i];
        if (!begins_like(text, len, l))
            continue;
        size_t n = spelling_length(text, len, l->value, l->len, l->least);
        longest = n > longest ? n : longest;
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
    size_t n = spelling_escape(text, len, &code);
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
        else if (!(n = spelling_escape(text + at, len - at, &code)) || !in(code))
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

static enum buf_status append_masked(struct buf *out, const char *text, size_t len, bool by_rules)
{
    size_t from = 0;
    struct stretch hidden = {0};
    for (size_t at = 0; at < len; at++) {
        if (may_begin(text + at, len - at))
            extend(&hidden, at, (struct match){.mask = learnt_length(text + at, len - at)});
        if (by_rules && begins_rule[(unsigned char)text[at]] && !is_known(&hidden, text, at, len))
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

enum buf_status redact_append(struct buf *out, const char *text, size_t len)
{
    return append_masked(out, text, len, true);
}

enum buf_status redact_append_learnt(struct buf *out, const char *text, size_t len)
{
    return append_masked(out, text, len, false);
}

bool redact_knows_of(const char *text, size_t len)
{
    for (size_t at = 0; at < len; at++)
        if (may_begin(text + at, len - at) && learnt_length(text + at, len - at) > 0)
            return true;
    return false;
}
