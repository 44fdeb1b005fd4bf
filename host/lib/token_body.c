/* token_body: see token_body.h. */
#include "token_body.h"

#include <lauxlib.h>
#include <stdbool.h>
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

/* {"id":…} for the value on top, an id or { id = … } as the API returns it. Returns false for anything else. No metamethod is
 * asked: it could make another body, in the place of this one. */
static bool append_reference(lua_State *L, struct buf *body, const char *field)
{
    int pushed = 0;
    if (lua_istable(L, -1)) {
        lua_pushliteral(L, "id");
        lua_rawget(L, -2);
        pushed = 1;
    }
    if (lua_type(L, -1) != LUA_TSTRING || lua_rawlen(L, -1) == 0)
        return false;
    append(L, buf_puts(body, "{\"id\":"));
    append_string(L, body, field, lua_gettop(L));
    append(L, buf_putc(body, '}'));
    lua_pop(L, pushed);
    return true;
}

static void append_account(lua_State *L, struct buf *body, const char *field, int value)
{
    (void)value; /* it is on top */
    if (!append_reference(L, body, field))
        luaL_error(L, "%s: expected an id such as \"ACC-1234-5678\", or { id = \"ACC-1234-5678\" }", field);
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
        if (!append_reference(L, body, field))
            luaL_error(L, "%s[%d]: expected an id such as \"MOD-1756\", or { id = \"MOD-1756\" }", field, (int)i);
        lua_pop(L, 1);
    }
    append(L, buf_putc(body, ']'));
}

/* What may be written, in the order in which it is sent. The value is on top of the stack, at `value`. */
static const struct {
    const char *name;
    void (*append)(lua_State *L, struct buf *body, const char *field, int value);
    bool of_new_only;
} fields[] = {
    {"account", append_account, true},    {"name", append_text, false},       {"description", append_text_or_null, false},
    {"icon", append_text_or_null, false}, {"modules", append_modules, false},
};

enum { FIELDS = sizeof fields / sizeof *fields };

static bool is_field(int i, enum token_form form)
{
    return form == TOKEN_NEW || !fields[i].of_new_only;
}

/* Fields of a token object that look writable and are not: what to do instead. */
static const char *read_only_hint(const char *name, enum token_form form)
{
    static const char written[] = "the platform writes it";
    static const struct {
        const char *name, *update, *create;
    } hints[] = {
        {"id", "the id is the first argument and cannot be changed", "the platform makes the id"},
        {"status", "the status is changed by token.enable and token.disable",
         "a new token is Active; token.disable changes that"},
        {"account", "a token cannot move to another account", NULL},
        {"token", "the secret cannot be changed", "the platform makes the secret"},
        {"audit", written, written},
        {"revision", written, written},
        {"lastAccessAt", written, written},
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(hints[i].name, name) == 0)
            return form == TOKEN_NEW ? hints[i].create : hints[i].update;
    return NULL;
}

static void refuse_field(lua_State *L, enum token_form form)
{
    if (lua_type(L, -2) != LUA_TSTRING)
        luaL_error(L, "fields: expected names such as name=, got a %s key", luaL_typename(L, -2));
    const char *name = lua_tostring(L, -2), *hint = read_only_hint(name, form), *names[FIELDS];
    if (hint)
        luaL_error(L, "the field '%s' cannot be %s: %s", name, form == TOKEN_NEW ? "given" : "updated", hint);
    size_t count = 0;
    for (int i = 0; i < FIELDS; i++)
        if (is_field(i, form))
            names[count++] = fields[i].name;
    const char *near = nearest(name, names, count);
    if (near)
        luaL_error(L, "unknown field '%s'; did you mean '%s'?", name, near);
    luaL_error(L, "unknown field '%s'; %s name, description, icon and modules", name,
               form == TOKEN_NEW ? "a new token takes account," : "an update takes");
}

static void check_names(lua_State *L, int table, enum token_form form)
{
    int count = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), count++) {
        bool known = false;
        for (int i = 0; i < FIELDS && lua_type(L, -2) == LUA_TSTRING && !known; i++)
            known = is_field(i, form) && strcmp(lua_tostring(L, -2), fields[i].name) == 0;
        if (!known)
            refuse_field(L, form);
    }
    if (form == TOKEN_UPDATE)
        luaL_argcheck(L, count > 0, table, "nothing to update: the table of fields is empty");
    else if (lua_pushliteral(L, "name"), lua_rawget(L, table) == LUA_TNIL)
        luaL_error(L, "a new token needs a name: name = \"…\"");
    else
        lua_pop(L, 1);
}

const struct buf *token_body(lua_State *L, int table, enum token_form form)
{
    luaL_checktype(L, table, LUA_TTABLE);
    check_names(L, table, form);
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
