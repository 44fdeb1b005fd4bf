/* registry: every binding of the host, and the few helpers that several of them share. */
#include "lib.h"

#include <lua-cjson.h> /* wants lua.h before it */

static const luaL_Reg modules[] = {
    {"cjson", luaopen_cjson},
    {"moonkey.ahead", luaopen_moonkey_ahead},
    {"moonkey.api", luaopen_moonkey_api},
    {"moonkey.beneath", luaopen_moonkey_beneath},
    {"moonkey.control", luaopen_moonkey_control},
    {"moonkey.coroutine", luaopen_moonkey_coroutine},
    {"moonkey.digest", luaopen_moonkey_digest},
    {"moonkey.files", luaopen_moonkey_files},
    {"moonkey.http", luaopen_moonkey_http},
    {"moonkey.httpd", luaopen_moonkey_httpd},
    {"moonkey.jail", luaopen_moonkey_jail},
    {"moonkey.json", luaopen_moonkey_json},
    {"moonkey.limits", luaopen_moonkey_limits},
    {"moonkey.lineedit", luaopen_moonkey_lineedit},
    {"moonkey.log", luaopen_moonkey_log},
    {"moonkey.nearest", luaopen_moonkey_nearest},
    {"moonkey.probe", luaopen_moonkey_probe},
    {"moonkey.process", luaopen_moonkey_process},
    {"moonkey.redis", luaopen_moonkey_redis},
    {"moonkey.resource", luaopen_moonkey_resource},
    {"moonkey.rows", luaopen_moonkey_rows},
    {"moonkey.secret", luaopen_moonkey_secret},
    {"moonkey.session", luaopen_moonkey_session},
    {"moonkey.sqlite", luaopen_moonkey_sqlite},
    {"moonkey.sys", luaopen_moonkey_sys},
    {"moonkey.task.core", luaopen_moonkey_task_core},
    {"moonkey.terminal", luaopen_moonkey_terminal},
    {"moonkey.token.core", luaopen_moonkey_token_core},
    {"moonkey.versions", luaopen_moonkey_versions},
    {NULL, NULL},
};

void lib_register(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    luaL_setfuncs(L, modules, 0);
    lua_pop(L, 1);
}

static const char BUFFER[] = "moonkey.buffer";

enum { LARGE_SCRATCH = 1 << 20 }; /* bytes that a scratch buffer may keep from one use to the next */

static int buffer_gc(lua_State *L)
{
    buf_wipe(lua_touserdata(L, 1));
    return 0;
}

struct buf *lib_new_buffer(lua_State *L, size_t cap)
{
    struct buf *b = lua_newuserdatauv(L, sizeof *b, 0);
    buf_init(b, cap);
    if (luaL_newmetatable(L, BUFFER)) {
        lua_pushcfunction(L, buffer_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return b;
}

struct buf *lib_scratch(lua_State *L, const void *key, size_t cap)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TNIL) {
        lua_pop(L, 1);
        lib_new_buffer(L, cap);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, key);
    }
    struct buf *b = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (b->size > LARGE_SCRATCH)
        buf_wipe(b);
    buf_reset(b);
    b->cap = cap;
    return b;
}

const char *lib_text(lua_State *L, const char *name)
{
    int type = lua_getfield(L, 1, name);
    if (type != LUA_TNIL && type != LUA_TSTRING) /* nobody would keep what a number is as text */
        luaL_error(L, "%s: expected a string, got %s", name, lua_typename(L, type));
    const char *value = lua_tostring(L, -1);
    lua_pop(L, 1);
    return value;
}

bool lib_flag(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}
