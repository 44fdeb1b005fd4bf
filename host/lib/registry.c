/* registry: every binding of the host, and the few helpers that several of them share. */
#include "lib.h"

#include <lua-cjson.h> /* wants lua.h before it */

static const luaL_Reg modules[] = {
    {"cjson", luaopen_cjson},
    {"moonkey.coroutine", luaopen_moonkey_coroutine},
    {"moonkey.http", luaopen_moonkey_http},
    {"moonkey.httpd", luaopen_moonkey_httpd},
    {"moonkey.json", luaopen_moonkey_json},
    {"moonkey.log", luaopen_moonkey_log},
    {"moonkey.nearest", luaopen_moonkey_nearest},
    {"moonkey.process", luaopen_moonkey_process},
    {"moonkey.rows", luaopen_moonkey_rows},
    {"moonkey.secret", luaopen_moonkey_secret},
    {"moonkey.sqlite", luaopen_moonkey_sqlite},
    {"moonkey.sys", luaopen_moonkey_sys},
    {"moonkey.task.core", luaopen_moonkey_task_core},
    {"moonkey.token", luaopen_moonkey_token},
    {NULL, NULL},
};

void lib_register(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    luaL_setfuncs(L, modules, 0);
    lua_pop(L, 1);
}

static const char BUFFER[] = "moonkey.buffer";

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
