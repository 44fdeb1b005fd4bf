/*
 * moonkey.token: the API's token calls. The global `token` is this table.
 *
 * Source of fields, paths and status codes: PUT and GET /public/v1/accounts/api-tokens/{id} of the platform's OpenAPI. Bodies
 * are put together here by the schema, field by field, so that an empty list of modules is [] and nothing is sent that was not
 * given.
 */
#include <ctype.h>
#include <curl/curl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../jsonpeek.h"
#include "../redact.h"
#include "call.h"
#include "control.h"
#include "json.h"
#include "lib.h"
#include "nearest.h"
#include "secret.h"

#define COLLECTION "/public/v1/accounts/api-tokens"

enum { MAX_BODY = 16 << 20, MAX_ID = 256 };

static const char targets, bodies; /* registry keys of scratch buffers: the client copies what it is given */

/* ---- arguments ---- */

/* As one segment of a path; an id of the platform is one already. */
static enum buf_status append_escaped(struct buf *target, const char *id, size_t len)
{
    size_t plain = 0;
    while (isalnum((unsigned char)id[plain]) || id[plain] == '-')
        plain++;
    if (plain == len)
        return buf_append(target, id, len);
    char *escaped = curl_easy_escape(NULL, id, (int)len);
    enum buf_status status = escaped ? buf_puts(target, escaped) : BUF_NOMEM;
    curl_free(escaped);
    return status;
}

/* The path of one token. An id is data: whatever it holds, it stays one path segment. */
static const char *make_target(lua_State *L, int index)
{
    size_t len;
    const char *id = luaL_checklstring(L, index, &len);
    luaL_argcheck(L, len > 0, index, "the id is empty; expected something like TKN-1234-5678");
    luaL_argcheck(L, len <= MAX_ID, index, "the id is too long; expected something like TKN-1234-5678");
    luaL_argcheck(L, strcmp(id, ".") != 0 && strcmp(id, "..") != 0, index, "not an id; expected something like TKN-1234-5678");
    struct buf *target = lib_scratch(L, &targets, sizeof COLLECTION + 3 * MAX_ID + 1);
    if (buf_puts(target, COLLECTION "/") != BUF_OK || append_escaped(target, id, len) != BUF_OK)
        luaL_error(L, "out of memory");
    return buf_text(target);
}

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

/* The body for the fields at `table`. */
static const struct buf *make_body(lua_State *L, int table)
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

/* ---- replies ---- */

/* The token object that was asked for: null is absent, and the secret is a secret object. */
static int deliver_token(lua_State *L, const struct result *result)
{
    if (result->body.len == 0)
        return lua_pushliteral(L, "the body is empty"), -1;
    if (!json_decode_without_nulls(L, buf_text(&result->body), result->body.len)) {
        lua_pushfstring(L, "the body is not JSON: %s", lua_tostring(L, -1));
        return -1;
    }
    if (!lua_istable(L, -1) || lua_getfield(L, -1, "id") != LUA_TSTRING)
        return lua_pushliteral(L, "the body is JSON, but not a token object"), -1;
    if (strcasecmp(lua_tostring(L, -1), lua_tostring(L, 1)) != 0) /* the argument */
        return lua_pushfstring(L, "the reply is about another token, %s", lua_tostring(L, -1)), -1;
    lua_pop(L, 1);
    lib_hide_tokens(L);
    return 1;
}

/*
 * true for the same replies that deliver_token() takes, where nobody asks for the token: most need not be turned into tables
 * for that. One about which json_peek() is not sure goes the long way, which also knows what to say.
 */
static int deliver_true(lua_State *L, const struct result *result)
{
    const char *id;
    size_t len, asked_len;
    const char *asked = lua_tolstring(L, 1, &asked_len);
    bool well = json_peek(buf_text(&result->body), result->body.len, "id", &id, &len) && len == asked_len &&
                strncasecmp(id, asked, len) == 0;
    if (!well && deliver_token(L, result) < 0)
        return -1;
    lua_pushboolean(L, 1);
    return 1;
}

static int previewed(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return lua_gettop(L);
}

/* Under --dry-run: what the token would be, from moonkey.preview. Stack: id, fields, opts. */
static int preview(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonkey.preview");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "update");
    lua_replace(L, -2);
    lua_insert(L, 1);
    lua_callk(L, 3, LUA_MULTRET, 0, previewed);
    return previewed(L, LUA_OK, 0);
}

/* The option `reply`; true unless it is false. */
static bool wants_reply(lua_State *L, int options)
{
    if (lua_isnoneornil(L, options))
        return true;
    int type = lua_getfield(L, options, "reply");
    luaL_argcheck(L, type == LUA_TNIL || type == LUA_TBOOLEAN, options, "reply: expected true or false");
    bool wanted = type == LUA_TNIL || lua_toboolean(L, -1);
    lua_pop(L, 1);
    return wanted;
}

static int update(lua_State *L, int status, lua_KContext announced)
{
    (void)status;
    static const char *const others[] = {"reply", NULL};
    struct call_options options = call_check_options(L, 3, others);
    bool wants_token = wants_reply(L, 3);
    const char *target = make_target(L, 1);
    const struct buf *body = make_body(L, 2);
    if (client_dry_run(control_need_client(L)))
        return preview(L);
    if (!announced && call_must_announce(L))
        return call_announce(L, update);
    return call_start(L, "token.update", "PUT", target, body->data, body->len, &options,
                      wants_token ? deliver_token : deliver_true);
}

/* token.update(id, fields [, opts]): the updated token (true where opts.reply is false), or nil, err. */
static int f_update(lua_State *L)
{
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 3);
    return update(L, LUA_OK, 0);
}

/* token.get(id [, opts]): the token, or nil, err. */
static int f_get(lua_State *L)
{
    lua_settop(L, 2);
    struct call_options options = call_check_options(L, 2, NULL);
    const char *target = make_target(L, 1);
    return call_start(L, "token.get", "GET", target, NULL, 0, &options, deliver_token);
}

static const luaL_Reg lib[] = {
    {"get", f_get},
    {"update", f_update},
    {NULL, NULL},
};

int luaopen_moonkey_token(lua_State *L)
{
    luaL_requiref(L, "moonkey.secret", luaopen_moonkey_secret, 0);
    luaL_requiref(L, "moonkey.json", luaopen_moonkey_json, 0);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonkey.errors");
    lua_call(L, 1, 0);
    luaL_newlib(L, lib);
    return 1;
}
