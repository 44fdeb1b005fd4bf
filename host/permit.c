/* permit: see permit.h. */
#include "permit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"

static const char PREFIX[] = "/public/v1";

struct permit {
    struct permit *next;
    const char *path; /* in `rule` */
    char rule[];
};

struct permits {
    struct permit *first;
};

struct permits *permits_new(void)
{
    return calloc(1, sizeof(struct permits));
}

void permits_free(struct permits *permits)
{
    while (permits && permits->first) {
        struct permit *permit = permits->first;
        permits->first = permit->next;
        free(permit);
    }
    free(permits);
}

/* Past the prefix, where it is a whole number of segments. */
static const char *below_prefix(const char *path)
{
    size_t len = sizeof PREFIX - 1;
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): where the prefix is the same, so much is there
    return strncmp(path, PREFIX, len) == 0 && (path[len] == '/' || path[len] == '\0') ? path + len : NULL;
}

/* ---- rules ---- */

static bool is_method(const char *name, size_t len)
{
    static const char *const methods[] = {"*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strlen(methods[i]) == len && memcmp(methods[i], name, len) == 0)
            return true;
    return false;
}

static bool are_methods(const char *names, size_t len)
{
    for (const char *end = names + len;;) {
        const char *comma = memchr(names, ',', (size_t)(end - names));
        if (!is_method(names, (size_t)((comma ? comma : end) - names)))
            return false;
        if (!comma)
            return true;
        names = comma + 1;
    }
}

static const char *mistake_in_path(const char *path)
{
    const char *many = strstr(path, "**");
    if (path[0] != '/')
        return "a path begins with '/', such as /accounts/api-tokens/*";
    if (strpbrk(path, "?#%\\; \t"))
        return "the path is decoded, and has no query";
    if (strstr(path, "//") || strstr(path, "/./") || strstr(path, "/../"))
        return "the path has an empty segment, or '.' or '..'";
    if (many && (many[2] != '\0' || many[-1] != '/'))
        return "'**' can only be the last segment; '*' stands for anything in one segment";
    return NULL;
}

const char *permits_add(struct permits *permits, const char *rule)
{
    size_t method_len = strcspn(rule, " ");
    const char *path = rule + method_len + strspn(rule + method_len, " ");
    if (!are_methods(rule, method_len) || *path == '\0')
        return "expected a method (GET, POST, PUT, PATCH, DELETE, or * for any) and a path";
    const char *mistake = mistake_in_path(path);
    if (mistake)
        return mistake;
    struct permit *permit = malloc(sizeof *permit + strlen(rule) + 1);
    if (!permit)
        return "out of memory";
    memcpy(permit->rule, rule, strlen(rule) + 1);
    const char *below = below_prefix(path);
    permit->path = permit->rule + ((below ? below : path) - rule);
    permit->next = permits->first;
    permits->first = permit;
    return NULL;
}

/* ---- requests ---- */

static bool has_method(const char *rule, const char *method)
{
    size_t len = strlen(method);
    for (const char *p = rule;; p++) {
        size_t own = strcspn(p, ", ");
        if ((own == len && memcmp(p, method, len) == 0) || (own == 1 && *p == '*'))
            return true;
        p += own;
        if (*p != ',')
            return false;
    }
}

/* The end of the segment at `p`. */
static const char *end_of(const char *p)
{
    return p + strcspn(p, "/");
}

/* Does the segment from `text` match the one from `pattern`? Where they part, the last star takes one character more. */
static bool match_segment(const char *pattern, const char *pattern_end, const char *text, const char *text_end)
{
    const char *star = NULL, *taken = NULL;
    while (text < text_end) {
        if (pattern < pattern_end && *pattern == '*') {
            star = pattern++;
            taken = text;
        } else if (pattern < pattern_end && *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++taken;
        } else {
            return false;
        }
    }
    while (pattern < pattern_end && *pattern == '*')
        pattern++;
    return pattern == pattern_end;
}

static const char *skip_slashes(const char *p)
{
    return p + strspn(p, "/");
}

static bool match_path(const char *pattern, const char *path)
{
    for (;;) {
        pattern = skip_slashes(pattern);
        path = skip_slashes(path);
        if (*pattern == '\0' || *path == '\0')
            return *pattern == *path;
        if (strcmp(pattern, "**") == 0)
            return true;
        const char *pattern_end = end_of(pattern), *path_end = end_of(path);
        if (!match_segment(pattern, pattern_end, path, path_end))
            return false;
        pattern = pattern_end;
        path = path_end;
    }
}

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* The path of a target, decoded; it has been looked at by guard_ambiguous(), so what is decoded separates nothing. NULL without
 * memory. */
static char *decode_path(const char *target)
{
    size_t len = strcspn(target, "?#");
    char *path = malloc(len + 1), *to = path;
    if (!path)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        bool escaped =
            i + 2 < len && target[i] == '%' && isxdigit((unsigned char)target[i + 1]) && isxdigit((unsigned char)target[i + 2]);
        *to++ = escaped ? (char)((unsigned)hex(target[i + 1]) << 4 | (unsigned)hex(target[i + 2])) : target[i];
        i += escaped ? 2 : 0;
    }
    *to = '\0';
    return path;
}

bool permits_allow(const struct permits *permits, const char *method, const char *target)
{
    if (guard_ambiguous("PUT", target)) /* as a write: stricter */
        return false;
    char *path = decode_path(target);
    const char *below = path ? below_prefix(path) : NULL;
    bool allowed = false;
    for (const struct permit *p = permits->first; below && p && !allowed; p = p->next)
        allowed = has_method(p->rule, method) && match_path(p->path, below);
    free(path);
    return allowed;
}

/* Is it the name of a kind of thing, rather than an id? */
static bool is_name(const char *segment, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)segment[i]) && segment[i] != '-')
            return false;
    return len > 0;
}

static void append(char **to, size_t *room, const char *text, size_t len)
{
    if (len > *room)
        len = *room;
    memcpy(*to, text, len);
    *to += len;
    *room -= len;
    **to = '\0';
}

void permits_suggest(const char *method, const char *target, char *rule, size_t size)
{
    size_t room = size - 1, left = strcspn(target, "?#");
    const char *below = below_prefix(target), *end = target + left;
    append(&rule, &room, method, strlen(method));
    append(&rule, &room, " ", 1);
    for (const char *p = skip_slashes(below ? below : target); p < end; p = skip_slashes(p)) {
        size_t len = strcspn(p, "/?#");
        bool named = is_name(p, len);
        append(&rule, &room, "/", 1);
        append(&rule, &room, named ? p : "*", named ? len : 1);
        p += len;
    }
}
