/*
 * permit: which requests a restricted run may make, by method and path. What is not permitted is refused.
 *
 * A rule is "PUT /accounts/api-tokens/TKN-*": a method, several joined by commas, or "*" for any; and a path below /public/v1,
 * in which "*" stands for any characters of one segment, and "**" as the last segment for any further ones. It is compared with
 * the path that a server would see: decoded, without a query, empty segments and a last slash. Letters are what they are: for
 * another case, another rule.
 */
#ifndef MOONKEY_PERMIT_H
#define MOONKEY_PERMIT_H

#include <stdbool.h>
#include <stddef.h>

struct permits;

/* None, so far; NULL when memory ran out. */
struct permits *permits_new(void);
void permits_free(struct permits *permits);

/* Copies the rule. NULL, or what is wrong with it. */
const char *permits_add(struct permits *permits, const char *rule);

/* `target`: path and query as they are sent, "/public/v1/…". One that could be another to a server (guard.h) is never allowed.
 */
bool permits_allow(const struct permits *permits, const char *method, const char *target);

/* A rule that would allow this request and those like it, for people to copy into a shell between single quotes. */
void permits_suggest(const char *method, const char *target, char *rule, size_t size);

#endif
