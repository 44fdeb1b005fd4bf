/*
 * target: the path and query of a request, from what a script says.
 *
 * Source: api-contract, sections 1 and 4 (paths, and an RQL expression as the query string); RFC 3986 for what stands in a URL.
 */
#ifndef MOONKEY_LIB_TARGET_H
#define MOONKEY_LIB_TARGET_H

#include <lua.h>

/*
 * The path at `path`, percent-encoded already, with /public/v1 before it where it is not there yet; and the query at `query`, a
 * string, a table of parameters, or nil. Raises for what cannot be sent. It lasts until the next one is made. Indices are those
 * of arguments: positive. [-0, +0, e]
 */
const char *target_make(lua_State *L, int path, int query);

#endif
