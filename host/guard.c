/* guard: see guard.h. */
#include "guard.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

bool guard_is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* One character of a path, with what it stands for; the end of the path, or of its segment, is '\0'. */
static const char *next_char(const char *p, char *c)
{
    if (*p == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])) {
        *c = (char)(hex(p[1]) << 4 | hex(p[2]));
        return p + 3;
    }
    *c = strchr("/?#", *p) ? '\0' : *p; /* strchr() finds the NUL too */
    return p + 1;
}

static const char *skip_slashes(const char *p)
{
    while (*p == '/')
        p++;
    return p;
}

/* If the segment at `p` is `text`, in any case and however it is encoded: where the next one begins; else NULL. */
static const char *match_segment(const char *p, const char *text)
{
    for (char c;; text++) {
        const char *after = next_char(p, &c);
        if (tolower((unsigned char)c) != tolower((unsigned char)*text))
            return NULL;
        if (c == '\0')
            return skip_slashes(p);
        p = after;
    }
}

static const char *next_segment(const char *p)
{
    return skip_slashes(p + strcspn(p, "/?#"));
}

static bool names_modules(const char *body, size_t len)
{
    return len > 0 && memmem(body, len, "\"modules\"", 9) != NULL;
}

bool guard_locks_out(const char *method, const char *target, const char *body, size_t body_len, const char *own)
{
    if (guard_is_safe(method) || !*own)
        return false;
    const char *at = skip_slashes(target), *collection = NULL, *action;
    for (; *at && !strchr("?#", *at) && !collection; at = next_segment(at))
        collection = match_segment(at, "api-tokens");
    action = collection ? match_segment(collection, own) : NULL;
    if (!action)
        return false;
    if (match_segment(action, "disable"))
        return true;
    if (!match_segment(action, ""))
        return false;
    return strcmp(method, "DELETE") == 0 || names_modules(body, body_len);
}
