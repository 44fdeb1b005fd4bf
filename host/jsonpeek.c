/* jsonpeek: see jsonpeek.h. Each take_x() moves past an x, or says false. */
#include "jsonpeek.h"

#include <ctype.h>
#include <string.h>

#include "jsontext.h"

enum {
    LARGEST = 1 << 16, /* bytes: so there can be no more values than JSON_MOST_VALUES, either */
    DEEPEST = 32,      /* levels */
    EXACT_DIGITS = 15, /* that a double holds */
};

struct peek {
    const char *at, *end;
    const char *name, *value; /* that is looked for, and was found */
    size_t name_len, value_len;
};

static char next(const struct peek *p)
{
    return p->at < p->end ? *p->at : '\0';
}

static bool take(struct peek *p, char c)
{
    if (next(p) != c)
        return false;
    p->at++;
    return true;
}

static void skip_space(struct peek *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

static bool take_digits(struct peek *p, size_t most)
{
    const char *from = p->at;
    while (isdigit((unsigned char)next(p)))
        p->at++;
    return p->at > from && (size_t)(p->at - from) <= most;
}

static bool take_number(struct peek *p)
{
    take(p, '-');
    bool zero = next(p) == '0';
    if (!take_digits(p, zero ? 1 : EXACT_DIGITS))
        return false;
    return !take(p, '.') || take_digits(p, LARGEST); /* an exponent is nothing that may follow a value */
}

static bool take_escape(struct peek *p)
{
    char c = next(p);
    p->at++;
    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c);
    bool surrogate = tolower((unsigned char)next(p)) == 'd';
    for (int i = 0; i < 4; i++, p->at++)
        if (!isxdigit((unsigned char)next(p)))
            return false;
    return !surrogate;
}

static bool take_string(struct peek *p)
{
    if (!take(p, '"'))
        return false;
    for (;;) {
        p->at += json_plain_length(p->at, (size_t)(p->end - p->at));
        if (take(p, '"'))
            return true;
        if ((unsigned char)next(p) >= 0x80)
            p->at++; /* of UTF-8, which has been looked at */
        else if (!take(p, '\\') || !take_escape(p))
            return false;
    }
}

static bool take_word(struct peek *p, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(p->end - p->at) < len || memcmp(p->at, word, len) != 0)
        return false;
    p->at += len;
    return true;
}

static bool take_value(struct peek *p, unsigned level);

static bool take_array(struct peek *p, unsigned level)
{
    take(p, '[');
    skip_space(p);
    if (take(p, ']'))
        return true;
    do {
        skip_space(p);
        if (!take_value(p, level + 1))
            return false;
        skip_space(p);
    } while (take(p, ','));
    return take(p, ']');
}

/* What stands between `from` and `to`, quotes included, is the name or a value of a member of the outermost object. */
static bool note_member(struct peek *p, const char *name, const char *name_end, const char *value)
{
    size_t len = (size_t)(name_end - name) - 2;
    if (memchr(name + 1, '\\', len))
        return false;
    if (len != p->name_len || memcmp(name + 1, p->name, len) != 0)
        return true;
    p->value = value + 1;
    p->value_len = (size_t)(p->at - value) - 2;
    return *value == '"' && !memchr(p->value, '\\', p->value_len);
}

static bool take_object(struct peek *p, unsigned level)
{
    take(p, '{');
    skip_space(p);
    if (take(p, '}'))
        return true;
    do {
        skip_space(p);
        const char *name = p->at;
        if (!take_string(p))
            return false;
        const char *name_end = p->at;
        skip_space(p);
        if (!take(p, ':'))
            return false;
        skip_space(p);
        const char *value = p->at;
        if (!take_value(p, level + 1) || (level == 0 && !note_member(p, name, name_end, value)))
            return false;
        skip_space(p);
    } while (take(p, ','));
    return take(p, '}');
}

static bool take_value(struct peek *p, unsigned level)
{
    if (level > DEEPEST)
        return false;
    switch (next(p)) {
    case '{':
        return take_object(p, level);
    case '[':
        return take_array(p, level);
    case '"':
        return take_string(p);
    case 't':
        return take_word(p, "true");
    case 'f':
        return take_word(p, "false");
    case 'n':
        return take_word(p, "null");
    default:
        return take_number(p);
    }
}

bool json_peek(const char *text, size_t len, const char *name, const char **value, size_t *value_len)
{
    struct peek p = {.at = text, .end = text + len, .name = name, .name_len = strlen(name)};
    if (len > LARGEST || !json_is_utf8(text, len))
        return false;
    skip_space(&p);
    if (next(&p) != '{' || !take_object(&p, 0))
        return false;
    skip_space(&p);
    *value = p.value;
    *value_len = p.value_len;
    return p.at == p.end && p.value;
}
