/*
 * moonkey.token.core: the platform's calls about one token, and about one of its modules. moonkey.token (Lua) is what scripts
 * see.
 *
 * Source of paths, methods and status codes: api-contract, section 1. Bodies: token_body.c.
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
#include "lib.h"
#include "token_body.h"

#define TOKENS  "/public/v1/accounts/api-tokens"
#define MODULES "/public/v1/accounts/modules"

enum { MAX_ID = 256, MAX_TARGET = sizeof TOKENS + 3 * MAX_ID + sizeof "//disable" };

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

/* The path of what has this id in a collection, or of what can be done with it ("/enable"). An id is data: whatever it holds,
 * it stays one path segment. */
static const char *make_target(lua_State *L, const char *collection, int index, const char *action)
{
    size_t len;
    const char *id = luaL_checklstring(L, index, &len);
    const char *like = strcmp(collection, MODULES) == 0 ? "MOD-1756" : "TKN-1234-5678";
    const char *wrong = len == 0                                        ? "the id is empty"
                        : len > MAX_ID                                  ? "the id is too long"
                        : strcmp(id, ".") == 0 || strcmp(id, "..") == 0 ? "not an id"
                                                                        : NULL;
    if (wrong)
        luaL_argerror(L, index, lua_pushfstring(L, "%s; expected something like %s", wrong, like));
    struct buf *target = lib_scratch(L, &targets, MAX_TARGET);
    if (buf_printf(target, "%s/", collection) != BUF_OK || append_escaped(target, id, len) != BUF_OK ||
        buf_puts(target, action) != BUF_OK)
        luaL_error(L, "out of memory");
    return buf_text(target);
}

/* ---- replies ---- */

/* The object that was asked for, or any with an id where `asked` is NULL: null is absent, and secrets are secret objects. */
static int deliver_object(lua_State *L, const struct result *result, const char *what, const char *asked)
{
    if (result->body.len == 0)
        return lua_pushliteral(L, "the body is empty"), -1;
    if (call_deliver_json(L, result) < 0)
        return -1;
    if (!lua_istable(L, -1) || lua_getfield(L, -1, "id") != LUA_TSTRING)
        return lua_pushfstring(L, "the body is JSON, but not a %s object", what), -1;
    if (asked && strcasecmp(lua_tostring(L, -1), asked) != 0)
        return lua_pushfstring(L, "the reply is about another %s, %s", what, lua_tostring(L, -1)), -1;
    lua_pop(L, 1);
    return 1;
}

/* The token whose id is the first argument. */
static int deliver_token(lua_State *L, const struct result *result)
{
    return deliver_object(L, result, "token", lua_tostring(L, 1));
}

static int deliver_module(lua_State *L, const struct result *result)
{
    return deliver_object(L, result, "module", lua_tostring(L, 1));
}

static int deliver_new_token(lua_State *L, const struct result *result)
{
    return deliver_object(L, result, "token", NULL);
}

/*
 * true for the same replies that deliver_token() takes, where nobody asks for the token: most need not be turned into tables
 * for that. One about which json_peek() is not sure goes the long way, which also knows what to say.
 */
static int deliver_unread(lua_State *L, const struct result *result)
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

/* true, whatever the body: 204 has none. */
static int deliver_true(lua_State *L, const struct result *result)
{
    (void)result;
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- calls ---- */

static int went_on(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return lua_gettop(L);
}

/* Have a function of one of moonkey's Lua modules do it: `return go_on_in(L, module, name);`. Stack: the arguments. */
static int go_on_in(lua_State *L, const char *module, const char *name)
{
    int count = lua_gettop(L);
    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    lua_call(L, 1, 1);
    lua_getfield(L, -1, name);
    lua_replace(L, -2);
    lua_insert(L, 1);
    lua_callk(L, count, LUA_MULTRET, 0, went_on);
    return went_on(L, LUA_OK, 0);
}

/* Under --dry-run: what would come of it, from the function of moonkey.preview with the call's name. */
static int send_write(lua_State *L, const struct call_request *request, lua_KFunction k, lua_KContext prepared)
{
    const struct client *c = control_need_client(L);
    if (client_dry_run(c) && !client_locks_out(c, request->method, request->target, request->body, request->body_len))
        return go_on_in(L, "moonkey.preview", strchr(request->what, '.') + 1);
    return call_start_write(L, request, k, prepared);
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

static int update(lua_State *L, int status, lua_KContext prepared)
{
    (void)status;
    static const char *const others[] = {"reply", NULL};
    const struct call_options options = call_check_options(L, 3, others);
    bool wants_token = wants_reply(L, 3);
    const char *target = make_target(L, TOKENS, 1, "");
    const struct buf *body = token_body(L, 2, TOKEN_UPDATE);
    const struct call_request request = {
        "token.update", "PUT", target, body->data, body->len, &options, wants_token ? deliver_token : deliver_unread,
    };
    return send_write(L, &request, update, prepared);
}

/* token.update(id, fields [, opts]): the updated token (true where opts.reply is false), or nil, err. */
static int f_update(lua_State *L)
{
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 3);
    return update(L, LUA_OK, 0);
}

static int create(lua_State *L, int status, lua_KContext prepared)
{
    (void)status;
    const struct call_options options = call_check_options(L, 2, NULL);
    const struct buf *body = token_body(L, 1, TOKEN_NEW);
    const struct call_request request = {
        "token.create", "POST", TOKENS, body->data, body->len, &options, deliver_new_token,
    };
    return send_write(L, &request, create, prepared);
}

/* token.create(fields [, opts]): the new token, or nil, err. */
static int f_create(lua_State *L)
{
    lua_settop(L, 2);
    return create(L, LUA_OK, 0);
}

/* A call that needs nothing but an id. Stack: id, opts. */
static struct call_request bare_request(lua_State *L, const char *what, const char *method, const char *action,
                                        struct call_options *options)
{
    *options = call_check_options(L, 2, NULL);
    return (struct call_request){
        .what = what,
        .method = method,
        .target = make_target(L, TOKENS, 1, action),
        .options = options,
        .deliver = deliver_token,
    };
}

static int enable(lua_State *L, int status, lua_KContext prepared)
{
    (void)status;
    struct call_options options;
    const struct call_request request = bare_request(L, "token.enable", "POST", "/enable", &options);
    return send_write(L, &request, enable, prepared);
}

/* token.enable(id [, opts]): the token, or nil, err. */
static int f_enable(lua_State *L)
{
    lua_settop(L, 2);
    return enable(L, LUA_OK, 0);
}

static int disable(lua_State *L, int status, lua_KContext prepared)
{
    (void)status;
    struct call_options options;
    const struct call_request request = bare_request(L, "token.disable", "POST", "/disable", &options);
    return send_write(L, &request, disable, prepared);
}

/* token.disable(id [, opts]): the token, or nil, err. */
static int f_disable(lua_State *L)
{
    lua_settop(L, 2);
    return disable(L, LUA_OK, 0);
}

static int delete (lua_State *L, int status, lua_KContext prepared)
{
    (void)status;
    struct call_options options;
    struct call_request request = bare_request(L, "token.delete", "DELETE", "", &options);
    request.deliver = deliver_true;
    return send_write(L, &request, delete, prepared);
}

/* token.delete(id [, opts]): true, or nil, err. */
static int f_delete(lua_State *L)
{
    lua_settop(L, 2);
    return delete (L, LUA_OK, 0);
}

/* token.get(id [, opts]): the token, or nil, err. */
static int f_get(lua_State *L)
{
    lua_settop(L, 2);
    struct call_options options;
    const struct call_request request = bare_request(L, "token.get", "GET", "", &options);
    return call_start(L, &request);
}

/* modules.get(id [, opts]): the module, or nil, err. */
static int f_get_module(lua_State *L)
{
    lua_settop(L, 2);
    const struct call_options options = call_check_options(L, 2, NULL);
    const struct call_request request = {
        .what = "modules.get",
        .method = "GET",
        .target = make_target(L, MODULES, 1, ""),
        .options = &options,
        .deliver = deliver_module,
    };
    return call_start(L, &request);
}

/* token.edit(id, fn [, opts]): the token, and whether it was changed; or nil, err. */
static int f_edit(lua_State *L)
{
    lua_settop(L, 3);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    call_check_options(L, 3, NULL);
    make_target(L, TOKENS, 1, "");
    return go_on_in(L, "moonkey.token.edit", "edit");
}

/* check_fields(fields): raises what token.update would. */
static int f_check_fields(lua_State *L)
{
    token_body(L, 1, TOKEN_UPDATE);
    return 0;
}

/* locks_out(id, fields): would token.update be refused, because its credential could lock itself out by that? */
static int f_locks_out(lua_State *L)
{
    const char *target = make_target(L, TOKENS, 1, "");
    const struct buf *body = token_body(L, 2, TOKEN_UPDATE);
    lua_pushboolean(L, client_locks_out(control_need_client(L), "PUT", target, body->data, body->len));
    return 1;
}

static const luaL_Reg lib[] = {
    {"check_fields", f_check_fields},
    {"create", f_create},
    {"delete", f_delete},
    {"disable", f_disable},
    {"edit", f_edit},
    {"enable", f_enable},
    {"get", f_get},
    {"get_module", f_get_module},
    {"locks_out", f_locks_out},
    {"update", f_update},
    {NULL, NULL},
};

int luaopen_moonkey_token_core(lua_State *L)
{
    call_open(L);
    luaL_newlib(L, lib);
    return 1;
}
