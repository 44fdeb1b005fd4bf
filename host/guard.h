/*
 * guard: what a request may do to the token that its own credential is.
 *
 * Pure, and below every binding, so that no script can step round it. Source of the paths: api-contract, section 1.
 */
#ifndef MOONKEY_GUARD_H
#define MOONKEY_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Is it a method that changes nothing (RFC 9110, 9.2.1)? Only GET and HEAD are; methods are case-sensitive. */
bool guard_is_safe(const char *method);

/*
 * Could this request keep the token with the id `own` from doing its work: delete it, disable it, or change its modules?
 * `target` is path and query as they are sent; "" as `own` is no token. A body that names "modules" counts, whatever is in it.
 */
bool guard_locks_out(const char *method, const char *target, const char *body, size_t body_len, const char *own);

#endif
