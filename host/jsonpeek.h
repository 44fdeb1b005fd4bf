/*
 * jsonpeek: is this a JSON object, and what is one of its members? One pass over the bytes that builds nothing, for replies of
 * which nobody wants more than to know that they are right. Source: RFC 8259.
 */
#ifndef MOONKEY_JSONPEEK_H
#define MOONKEY_JSONPEEK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True: `text` is a JSON object by the rules of json_scan() and the decoder, and its last member `name` is a string, the bytes
 * of which `value` points at, within `text`. False says less: it may be wrong, or merely out of the ordinary (an escape in a
 * name or in that string, a surrogate, an exponent, a long integer, many levels, a large document). Whoever has to know decodes
 * it.
 */
bool json_peek(const char *text, size_t len, const char *name, const char **value, size_t *value_len);

#endif
