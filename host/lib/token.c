/*
 * moonkey.token: the API's token calls. The global `token` is this table.
 *
 * Source of paths and status codes: PUT and GET /public/v1/accounts/api-tokens/{id} of the platform's OpenAPI. Bodies:
 * token_body.c.
 */
#include <ctype.h>
#include <curl/curl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../jsonpeek.h"
#include "call.h"
#include "control.h"
#include "json.h"
#include "lib.h"
#include "secret.h"
#include "token_body.h"

#define COLLECTION "/public/v1/accounts/api-tokens"

enum { MAX_ID = 256 };

static const char targets; /* registry key of a scratch buffer: the client copies what it is given */

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
    const struct buf *body = token_body(L, 2);
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
