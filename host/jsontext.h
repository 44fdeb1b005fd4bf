/*
 * jsontext: JSON as bytes: checks and quoting that need no Lua. Source: RFC 8259, RFC 3629.
 */
#ifndef MOONKEY_JSONTEXT_H
#define MOONKEY_JSONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

#define JSON_MOST_VALUES 1000000

/* Offset of the first byte that is not valid UTF-8 (overlong forms and surrogates are not), or `len` if all of it is. */
size_t utf8_valid_length(const char *text, size_t len);
bool json_is_utf8(const char *text, size_t len);

/* How many bytes from the first on stand for themselves in a JSON string: ASCII, but no control character, quote or backslash.
 */
size_t json_plain_length(const char *text, size_t len);

/* Append `text` as a JSON string; bytes that are not UTF-8 become U+FFFD. */
enum buf_status json_quote(struct buf *out, const char *text, size_t len);

/*
 * What lua-cjson 2.1.0 would let pass or lose, it is kept from seeing. The scan refuses what RFC 8259 does not allow and cjson
 * does (numbers such as 1. and -.5, control characters in strings, invalid UTF-8, more than `max_depth` levels), integers
 * of more than 64 bits, which would lose digits, and documents of more than JSON_MOST_VALUES, which would need a hundred times
 * their length as memory. It rewrites into `out` what cjson cannot tell apart:
 *
 *     []                    → ["\u0000[]"]      an empty array is not an empty object
 *     9007199254740993      → "\u0000i90071…"   integers that a double cannot hold
 *     "\u0000…" (a value)   → "\u0000s\u0000…"  so that the marks above stay unambiguous
 *
 * `out` stays empty if nothing needed rewriting. False: `why` says what is wrong, at which byte (from 1).
 */
bool json_scan(const char *text, size_t len, unsigned max_depth, struct buf *out, char *why, size_t why_size);

#endif
