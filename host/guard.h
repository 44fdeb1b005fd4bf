/*
 * guard: what a request must not be, whoever makes it, and what it may do to the token that its own credential is.
 *
 * Pure, and below every binding, so that no script can step round it. Source of the paths: api-contract, section 1.
 */
#ifndef MOONKEY_GUARD_H
#define MOONKEY_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Is it a method that changes nothing (RFC 9110, 9.2.1)? Only GET and HEAD are; methods are case-sensitive. */
bool guard_is_safe(const char *method);

/* May it be sent again when it is not clear whether it was carried out (RFC 9110, 9.2.2)? Not POST and PATCH. */
bool guard_may_repeat(const char *method);

/*
 * Why this request might be another one to the server than it is to these guards: a write whose path has "." or ".." as a
 * segment, an escaped separator or percent sign, a backslash, a parameter (";") or a control character; a query that overrides
 * the method. NULL where it is what it seems. `target` is path and query as they are sent.
 */
const char *guard_ambiguous(const char *method, const char *target);

/* The name of a header that is the host's to set, or that makes another request of this one; NULL for any other name. */
const char *guard_reserved_header(const char *name, size_t len);

/*
 * Could this request keep the token with the id `own` from doing its work? Of writes to it, only an update that does not name
 * "modules", and its enabling, could not. "" as `own` is no token.
 */
bool guard_locks_out(const char *method, const char *target, const char *body, size_t body_len, const char *own);

#endif
