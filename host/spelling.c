/* spelling: see spelling.h. Nothing looks further than an escape is long, so that the time stays linear. */
#include "spelling.h"

#include <ctype.h>
#include <string.h>

enum {
    MOST_BACKSLASHES = 8, /* of one escape */
    MOST_PERCENTS = 3,    /* times that a URL stands in a URL */
    MOST_ZEROS = 8,       /* of the number of an entity */
    LONGEST_CUT_OFF = 8,  /* what is left at the end of a text may be a part of an escape */
};

/* How often escapes are escaped again. `percents` 0: as often as they are; `backslashes` stand for one. */
struct spelling {
    unsigned percents, backslashes;
};

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* `count` hexadecimal digits. */
static bool hex(const char *text, size_t len, size_t count, unsigned *code)
{
    *code = 0;
    for (size_t i = 0; i < count; i++) {
        if (i >= len || hex_digit(text[i]) < 0)
            return false;
        *code = *code * 16 + (unsigned)hex_digit(text[i]);
    }
    return true;
}

/* %2F, %252F, %25252F … */
static size_t percent_escape(const char *text, size_t len, unsigned percents, unsigned *code)
{
    size_t at = 1;
    unsigned inner;
    for (unsigned n = 1; percents ? n < percents : n < MOST_PERCENTS; n++) {
        if (len - at < 2 || memcmp(text + at, "25", 2) != 0)
            break;
        if (!percents && !hex(text + at + 2, len - at - 2, 2, &inner))
            break;
        at += 2;
    }
    return hex(text + at, len - at, 2, code) ? at + 2 : 0;
}

static size_t backslash_escape(const char *text, size_t len, unsigned *code)
{
    size_t at = 0;
    while (at < len && at < MOST_BACKSLASHES && text[at] == '\\')
        at++;
    if (at == len)
        return 0;
    if (text[at] == 'u' && hex(text + at + 1, len - at - 1, 4, code))
        return at + 5;
    *code = (unsigned char)text[at];
    return isalnum((unsigned char)text[at]) ? 0 : at + 1; /* \n is no n */
}

static size_t number_entity(const char *text, size_t len, unsigned *code)
{
    size_t at = 2;
    bool hexadecimal = at < len && tolower((unsigned char)text[at]) == 'x';
    at += hexadecimal;
    size_t first = at;
    for (*code = 0; at < len && at - first < MOST_ZEROS && *code < 0x1000; at++) {
        int digit = hex_digit(text[at]);
        if (digit < 0 || (digit > 9 && !hexadecimal))
            break;
        *code = *code * (hexadecimal ? 16 : 10) + (unsigned)digit;
    }
    return at > first && at < len && text[at] == ';' ? at + 1 : 0;
}

/* Those that can stand for a character of a credential. */
static size_t entity(const char *text, size_t len, unsigned *code)
{
    static const struct {
        const char *name;
        char stands_for;
    } names[] = {
        {"amp;", '&'}, {"quot;", '"'},  {"apos;", '\''}, {"lt;", '<'},     {"gt;", '>'},     {"plus;", '+'},   {"equals;", '='},
        {"sol;", '/'}, {"colon;", ':'}, {"bsol;", '\\'}, {"period;", '.'}, {"lowbar;", '_'}, {"percnt;", '%'},
    };
    if (len > 2 && text[1] == '#')
        return number_entity(text, len, code);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i].name);
        *code = (unsigned char)names[i].stands_for;
        if (len > n && memcmp(text + 1, names[i].name, n) == 0)
            return n + 1;
    }
    return 0;
}

static size_t escape(const char *text, size_t len, unsigned percents, unsigned *code)
{
    if (len == 0 || !spelling_escapes(text[0]))
        return 0;
    return text[0] == '%'    ? percent_escape(text, len, percents, code)
           : text[0] == '\\' ? backslash_escape(text, len, code)
                             : entity(text, len, code);
}

size_t spelling_escape(const char *text, size_t len, unsigned *code)
{
    return escape(text, len, 0, code);
}

static bool is_same(unsigned a, char b)
{
    return a < 0x80 && tolower((int)a) == tolower((unsigned char)b);
}

/* What stands for the byte `c` of a value. */
static size_t step(const char *text, size_t len, char c, const struct spelling *how)
{
    unsigned code;
    size_t n = escape(text, len, how->percents, &code);
    if (n && is_same(code, c))
        return n;
    if (c != '\\')
        return len > 0 && is_same((unsigned char)text[0], c) ? 1 : 0;
    for (n = 0; n < how->backslashes; n++)
        if (n >= len || text[n] != '\\')
            return 0;
    return n;
}

static bool is_cut_off(const char *text, size_t len)
{
    unsigned code;
    return len > 0 && len < LONGEST_CUT_OFF && spelling_escapes(text[0]) && !spelling_escape(text, len, &code);
}

static size_t spelled(const char *text, size_t len, const char *value, size_t value_len, size_t least,
                      const struct spelling *how)
{
    size_t at = 0, i = 0;
    for (size_t n; i < value_len && (n = step(text + at, len - at, value[i], how)) > 0; i++)
        at += n;
    if (i < least)
        return 0;
    return i < value_len && is_cut_off(text + at, len - at) ? len : at;
}

static size_t plain(const char *text, size_t len, const char *value, size_t value_len, size_t least)
{
    size_t i = 0;
    while (i < value_len && i < len && is_same((unsigned char)text[i], value[i]))
        i++;
    return i < least ? 0 : i;
}

size_t spelling_length(const char *text, size_t len, const char *value, size_t value_len, size_t least)
{
    static const struct spelling ways[] = {{0, 1}, {1, 1}, {1, 2}, {2, 1}, {1, 4}, {1, 8}};
    bool ambiguous = memchr(value, '%', value_len) || memchr(value, '\\', value_len); /* it may look like an escape itself */
    size_t longest = plain(text, len, value, value_len, least);
    for (size_t i = 0; longest < value_len && i < (ambiguous ? sizeof ways / sizeof *ways : 1); i++) {
        size_t n = spelled(text, len, value, value_len, least, &ways[i]);
        longest = n > longest ? n : longest;
    }
    return longest;
}
