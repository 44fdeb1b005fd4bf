/* moonkey.sys: the terminal, time, random bytes, and what the system says of the process. */
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../clock.h"
#include "../state.h"
#include "../task.h"
#include "lib.h"

static int f_isatty(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* Width of the terminal at standard error, in columns; 80 where there is none. */
static int f_columns(lua_State *L)
{
    struct winsize size;
    lua_pushinteger(L, ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80);
    return 1;
}

static int f_now(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)clock_now() / (lua_Number)NS_PER_S);
    return 1;
}

/* As now(), but it goes on while the machine sleeps. */
static int f_elapsed(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)clock_elapsed() / (lua_Number)NS_PER_S);
    return 1;
}

static int f_wall(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)clock_wall_ms() / 1000);
    return 1;
}

static int f_random(lua_State *L)
{
    lua_Integer count = luaL_checkinteger(L, 1);
    luaL_argcheck(L, count >= 0 && count <= 65536, 1, "expected 0 to 65536 bytes");
    luaL_Buffer b;
    arc4random_buf(luaL_buffinitsize(L, &b, (size_t)count), (size_t)count);
    luaL_pushresultsize(&b, (size_t)count);
    return 1;
}

static int f_getpid(lua_State *L)
{
    lua_pushinteger(L, getpid());
    return 1;
}

/* The permission bits of a file, or nil and why not. */
static int f_file_mode(lua_State *L)
{
    struct stat st;
    const char *path = luaL_checkstring(L, 1);
    if (stat(path, &st) != 0)
        return luaL_fileresult(L, 0, path);
    lua_pushinteger(L, st.st_mode & 07777);
    return 1;
}

/* "file", "directory" or "other"; nil and why not where there is nothing. Second result: size in bytes. */
static int f_file_type(lua_State *L)
{
    struct stat st;
    const char *path = luaL_checkstring(L, 1);
    if (stat(path, &st) != 0)
        return luaL_fileresult(L, 0, path);
    lua_pushstring(L, S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "directory" : "other");
    lua_pushinteger(L, (lua_Integer)st.st_size);
    return 2;
}

/* The signal that asks the program to stop, or nil. */
static int f_interrupted(lua_State *L)
{
    if (task_interrupted())
        lua_pushinteger(L, task_interrupted());
    else
        lua_pushnil(L);
    return 1;
}

/* Bytes that Lua holds now, and the most it ever held. */
static int f_memory(lua_State *L)
{
    size_t peak, now = state_memory(&peak);
    lua_pushinteger(L, (lua_Integer)now);
    lua_pushinteger(L, (lua_Integer)peak);
    return 2;
}

/* The path of the running program, to start it again; nil and why not. */
static int f_executable(lua_State *L)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path);
    if (len < 0 || len == sizeof path)
        return luaL_fileresult(L, 0, "/proc/self/exe");
    lua_pushlstring(L, path, (size_t)len);
    return 1;
}

static int f_version(lua_State *L)
{
    lua_pushliteral(L, MOONKEY_VERSION);
    return 1;
}

static const luaL_Reg lib[] = {
    {"columns", f_columns},     {"elapsed", f_elapsed}, {"executable", f_executable},   {"file_mode", f_file_mode},
    {"file_type", f_file_type}, {"getpid", f_getpid},   {"interrupted", f_interrupted}, {"isatty", f_isatty},
    {"memory", f_memory},       {"now", f_now},         {"random", f_random},           {"version", f_version},
    {"wall", f_wall},           {NULL, NULL},
};

int luaopen_moonkey_sys(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
