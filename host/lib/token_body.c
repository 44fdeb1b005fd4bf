/* token_body: see token_body.h. */
#include "token_body.h"

#include <lauxlib.h>
#include <string.h>

#include "json.h"
#include "lib.h"
#include "nearest.h"

enum { MAX_BODY = 16 << 20 };

static const char bodies; /* registry key of a scratch buffer: the client copies what it is given */

static void append(lua_State *L, enum buf_status status)
{
    if (status != BUF_OK)
        luaL_error(L, "the fields are too large for one request (more than %d MiB)", MAX_BODY >> 20);
}

static void append_string(lua_State *L, struct buf *body, const char *field, int value)
{
    size_t len;
    const char *text = lua_tolstring(L, value, &len);
    size_t valid = utf8_valid_length(text, len);
    if (valid < len)
        luaL_error(L, "%s: not valid UTF-8 at byte %d", field, (int)valid + 1);
    append(L, json_quote(body, text, len));
}

static void append_text(lua_State *L, struct buf *body, const char *field, int value)
{
    if (lua_type(L, value) != LUA_TSTRING)
        luaL_error(L, "%s: expected a string, got %s", field,
                   json_is_null(L, value) ? "json.null (it cannot be cleared)" : luaL_typename(L, value));
    append_string(L, body, field, value);
}

static void append_text_or_null(lua_State *L, struct buf *body, const char *field, int value)
{
    if (json_is_null(L, value))
        append(L, buf_puts(body, "null"));
    else if (lua_type(L, value) == LUA_TSTRING)
        append_string(L, body, field, value);
    else
        luaL_error(L, "%s: expected a string or json.null, got %s", field, luaL_typename(L, value));
}

/* "MOD-1756" or { id = "MOD-1756" }, as the API returns them. The value on top. */
static void append_module(lua_State *L, struct buf *body, lua_Integer i)
{
    int pushed = 0;
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "id");
        pushed = 1;
    }
    if (lua_type(L, -1) != LUA_TSTRING || lua_rawlen(L, -1) == 0)
        luaL_error(L, "modules[%d]: expected an id such as \"MOD-1756\", or { id = \"MOD-1756\" }", (int)i);
    append(L, buf_puts(body, "{\"id\":"));
    append_string(L, body, "modules", lua_gettop(L));
    append(L, buf_putc(body, '}'));
    lua_pop(L, pushed);
}

static void append_modules(lua_State *L, struct buf *body, const char *field, int value)
{
    if (lua_type(L, value) != LUA_TTABLE)
        luaL_error(L, "%s: expected a list of module ids ({} for none), got %s", field,
                   json_is_null(L, value) ? "json.null" : luaL_typename(L, value));
    lua_Integer count = (lua_Integer)lua_rawlen(L, value), keys = 0;
    for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1))
        keys++;
    if (keys != count)
        luaL_error(L, "%s: expected a list of module ids, got a table with gaps or named fields", field);
    append(L, buf_putc(body, '['));
    for (lua_Integer i = 1; i <= count; i++) {
        if (i > 1)
            append(L, buf_putc(body, ','));
        lua_rawgeti(L, value, i);
        append_module(L, body, i);
        lua_pop(L, 1);
    }
    append(L, buf_putc(body, ']'));
}

/* What an update may change, in the order in which it is sent. */
static const struct {
    const char *name;
    void (*append)(lua_State *L, struct buf *body, const char *field, int value);
} fields[] = {
    {"name", append_text},
    {"description", append_text_or_null},
    {"icon", append_text_or_null},
    {"modules", append_modules},
};

enum { FIELDS = sizeof fields / sizeof *fields };

/* Fields of a token object that look writable and are not: what to do instead. */
static const char *read_only_hint(const char *name)
{
    static const char *const hints[][2] = {
        {"id", "the id is the first argument and cannot be changed"},
        {"status", "the status is changed by enabling or disabling the token, not by an update"},
        {"account", "a token cannot move to another account"},
        {"token", "the secret cannot be changed"},
        {"audit", "the platform writes it"},
        {"revision", "the platform writes it"},
        {"lastAccessAt", "the platform writes it"},
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(hints[i][0], name) == 0)
            return hints[i][1];
    return NULL;
}

static void refuse_field(lua_State *L)
{
    if (lua_type(L, -2) != LUA_TSTRING)
        luaL_error(L, "fields: expected names such as name=, got a %s key", luaL_typename(L, -2));
    const char *name = lua_tostring(L, -2), *hint = read_only_hint(name), *names[FIELDS];
    if (hint)
        luaL_error(L, "the field '%s' cannot be updated: %s", name, hint);
    for (int i = 0; i < FIELDS; i++)
        names[i] = fields[i].name;
    const char *near = nearest(name, names, FIELDS);
    if (near)
        luaL_error(L, "unknown field '%s'; did you mean '%s'?", name, near);
    luaL_error(L, "unknown field '%s'; an update takes name, description, icon and modules", name);
}

static void check_names(lua_State *L, int table)
{
    int count = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), count++) {
        int known = 0;
        for (int i = 0; i < FIELDS && lua_type(L, -2) == LUA_TSTRING && !known; i++)
            known = strcmp(lua_tostring(L, -2), fields[i].name) == 0;
        if (!known)
            refuse_field(L);
    }
    luaL_argcheck(L, count > 0, table, "nothing to update: the table of fields is empty");
}

const struct buf *token_body(lua_State *L, int table)
{
    check_names(L, table);
    struct buf *body = lib_scratch(L, &bodies, MAX_BODY);
    for (int i = 0; i < FIELDS; i++) {
        lua_pushstring(L, fields[i].name);
        if (lua_rawget(L, table) != LUA_TNIL) {
            append(L, buf_puts(body, body->len ? ",\"" : "{\""));
            append(L, buf_puts(body, fields[i].name));
            append(L, buf_puts(body, "\":"));
            fields[i].append(L, body, fields[i].name, lua_gettop(L));
        }
        lua_pop(L, 1);
    }
    append(L, buf_putc(body, '}'));
    return body;
}
