/*
 * token_body: from a table of fields to the body of a request.
 *
 * Bodies are put together by the schema, field by field, so that an empty list of modules is [] and nothing is sent that was
 * not given.
 */
#ifndef MOONKEY_LIB_TOKEN_BODY_H
#define MOONKEY_LIB_TOKEN_BODY_H

#include <lua.h>

#include "../buf.h"

/* Of a change, or of a token that there is not yet: then it has a name, and may have an account. */
enum token_form { TOKEN_UPDATE, TOKEN_NEW };

/* The body for the fields at `table`; raises for what cannot be one. It lasts until the next one is made. [-0, +0, e] */
const struct buf *token_body(lua_State *L, int table, enum token_form form);

#endif
