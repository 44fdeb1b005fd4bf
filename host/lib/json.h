/*
 * json: text to Lua values and back, for the bindings. Source: RFC 8259; decoding is lua-cjson's behind a strict check.
 */
#ifndef MOONKEY_LIB_JSON_H
#define MOONKEY_LIB_JSON_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "../buf.h"
#include "../jsontext.h"

/* Depth of arrays and objects that is accepted either way, and the size of a document. */
#define JSON_MAX_DEPTH 128
#define JSON_MAX_SIZE  ((size_t)64 << 20)

/*
 * True: pushes the value; null is json.null (a light userdata NULL), arrays carry json's array metatable, integers that fit 64
 * bits are Lua integers. False: pushes a message that says what is wrong at which byte. [-0, +1, m]
 */
bool json_decode(lua_State *L, const char *text, size_t len);
/* The same, with members that are null left out of objects: null and absent mean the same in replies (api-contract, section 7).
 */
bool json_decode_without_nulls(lua_State *L, const char *text, size_t len);

/*
 * Append the value at `index`, the members of objects sorted by name; those named in the list at `order` (0: none) come first
 * in the outermost object. Raises for what JSON cannot say: functions, NaN, invalid UTF-8, too deep, buffer full. [-0, +0, e]
 */
void json_encode(lua_State *L, int index, struct buf *out, int order);

bool json_is_null(lua_State *L, int index);
/* Is the table at `index` marked as an array? */
bool json_is_array(lua_State *L, int index);
/* The light userdata that stands for null, and the metatable of arrays. [-0, +1, -] */
void json_push_null(lua_State *L);
void json_push_array_metatable(lua_State *L);

#endif
