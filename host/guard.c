/* guard: see guard.h. */
#include "guard.h"

#include <ctype.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

bool guard_is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

bool guard_may_repeat(const char *method)
{
    return guard_is_safe(method) || strcmp(method, "PUT") == 0 || strcmp(method, "DELETE") == 0;
}

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* One character of a path, with what it stands for; the end of the path, or of its segment, is '\0'. */
static const char *next_char(const char *p, char *c)
{
    if (*p == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])) {
        *c = (char)((unsigned)hex(p[1]) << 4 | (unsigned)hex(p[2]));
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

/* ---- what a server may take for something else ---- */

static bool is_end(const char *p)
{
    return strchr("/?#", *p) != NULL; /* the NUL too */
}

/* Is the segment at `p` "." or "..", however it is encoded? */
static bool is_dots(const char *p)
{
    for (int dots = 0; dots < 3; dots++) {
        if (is_end(p))
            return dots > 0;
        char c;
        p = next_char(p, &c);
        if (c != '.')
            return false;
    }
    return false;
}

/* Letters, digits, hyphens and slashes: so are nearly all paths, and nobody takes them for anything else. */
static bool is_plain_path(const char *p)
{
    while (isalnum((unsigned char)*p) || *p == '-' || *p == '/')
        p++;
    return *p == '\0';
}

static const char *ambiguous_path(const char *p)
{
    if (is_plain_path(p))
        return NULL;
    for (const char *before = "/"; *p && !strchr("?#", *p);) {
        if (*before == '/' && is_dots(p))
            return "not sent: its path has a segment '.' or '..'";
        char c = *p;
        before = p;
        p = *p == '/' ? p + 1 : next_char(p, &c);
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return "not sent: its path has a control character";
        if (c == '\\' || c == ';' || (*before == '%' && strchr("/?#%", c)))
            return "not sent: its path has a semicolon, a backslash, or an escaped '/', '?', '#' or '%'";
    }
    return NULL;
}

static const char *const overriding_headers[] = {"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
                                                 "X-Original-URL", "X-Rewrite-URL"};

/* Names of headers and parameters: in any case, and '_' is '-', as it is to gateways that make variables of them. */
static int fold(char c)
{
    return c == '_' ? '-' : tolower((unsigned char)c);
}

/* Is the name of the parameter at `p` this one, in any case and however it is encoded? */
static bool has_parameter_name(const char *p, const char *name)
{
    for (;; name++) {
        bool ended = *p == '\0' || strchr("=&;#", *p);
        if (ended || !*name)
            return ended && !*name;
        char c = *p;
        p = *p == '%' ? next_char(p, &c) : p + 1;
        if (fold(c) != fold(*name))
            return false;
    }
}

static bool overrides_method(const char *target)
{
    for (const char *p = strchr(target, '?'); p; p = strpbrk(p, "&;")) {
        if (has_parameter_name(++p, "_method"))
            return true;
        for (size_t i = 0; i < COUNT_OF(overriding_headers); i++)
            if (has_parameter_name(p, overriding_headers[i]))
                return true;
    }
    return false;
}

const char *guard_ambiguous(const char *method, const char *target)
{
    if (overrides_method(target))
        return "not sent: its query overrides the method";
    return guard_is_safe(method) ? NULL : ambiguous_path(target);
}

static const char *find_name(const char *const *names, size_t count, const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < len && names[i][at] && fold(names[i][at]) == fold(name[at]))
            at++;
        if (at == len && !names[i][at])
            return names[i];
    }
    return NULL;
}

const char *guard_reserved_header(const char *name, size_t len)
{
    static const char *const ours[] = {"Authorization",       "Connection",  "Content-Length",    "Cookie",    "Expect", "Host",
                                       "Proxy-Authorization", "traceparent", "Transfer-Encoding", "User-Agent"};
    const char *found = find_name(ours, COUNT_OF(ours), name, len);
    return found ? found : find_name(overriding_headers, COUNT_OF(overriding_headers), name, len);
}

/* ---- the credential's own token ---- */

static int hex4(const char *p)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)p[i]))
            return -1;
        value = value << 4 | hex(p[i]);
    }
    return value;
}

/* Does the JSON string at `p`, after its quote, say `word` (in lower case), in any case and however it is escaped? */
static bool says(const char *p, const char *end, const char *word)
{
    for (; *word; word++) {
        int c = p < end ? tolower((unsigned char)*p++) : -1;
        if (c == '\\' && end - p >= 5 && *p == 'u') {
            c = hex4(p + 1);
            c = c < 0x80 ? tolower(c) : c;
            p += 5;
        } else if (c == 0xc5 && p < end && (unsigned char)*p == 0xbf) { /* UTF-8 of U+017F */
            c = 0x17f;
            p++;
        }
        if (c != *word && !(c == 0x17f && *word == 's')) /* to some, a long s is an s */
            return false;
    }
    return p < end && *p == '"';
}

static bool names_modules(const char *body, size_t len)
{
    for (const char *p = body, *end = body + len; p < end && (p = memchr(p, '"', (size_t)(end - p)));)
        if (says(++p, end, "modules"))
            return true;
    return false;
}

bool guard_locks_out(const char *method, const char *target, const char *body, size_t body_len, const char *own)
{
    if (guard_is_safe(method) || !*own)
        return false;
    const char *action = NULL;
    for (const char *at = skip_slashes(target); !action && !is_end(at); at = next_segment(at)) {
        const char *collection = match_segment(at, "api-tokens");
        action = collection ? match_segment(collection, own) : NULL;
    }
    if (!action)
        return false;
    if (strcmp(method, "POST") == 0) {
        const char *after = match_segment(action, "enable");
        return !after || !match_segment(after, "");
    }
    return strcmp(method, "PUT") != 0 || !match_segment(action, "") || (body && names_modules(body, body_len));
}
