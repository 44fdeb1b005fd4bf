/*
 * spelling: the ways in which a server may write what it was sent: with the escapes of URLs, JSON and HTML, also twice over,
 * and in other letters of case.
 */
#ifndef MOONKEY_SPELLING_H
#define MOONKEY_SPELLING_H

#include <stdbool.h>
#include <stddef.h>

/* Can a character be the first of an escape? */
static inline bool spelling_escapes(char c)
{
    return c == '%' || c == '\\' || c == '&';
}

/*
 * The length of the escape that `text` begins with, and what it stands for; 0 where there is none. %2F as in a URL and %252F as
 * in a URL within one; \/ and \u002F as in JSON, also with the more backslashes of JSON within a string of JSON; &#47; &#x2F;
 * &amp; as in HTML.
 */
size_t spelling_escape(const char *text, size_t len, unsigned *code);

/* How much of `text` is `value` in some spelling, or at least the first `least` bytes of it, and then as many as follow; 0 if
 * it is not. What may be an escape that the end of the text has cut off belongs to it. */
size_t spelling_length(const char *text, size_t len, const char *value, size_t value_len, size_t least);

#endif
