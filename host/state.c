/* state: see state.h. */
#include "state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embed.h"
#include "lib/lib.h"
#include "limit.h"
#include "log.h"
#include "pool.h"

enum { RESERVE = 16 << 20 };

static struct {
    size_t now, peak;
    size_t limit;    /* what Lua may hold; SIZE_MAX: anything */
    size_t no_check; /* up to here nothing has to be thought about: the limit, or 0 after a refusal */
    const void *refused_block;
    size_t refused_size;
    bool ran_out;
} memory = {.limit = SIZE_MAX, .no_check = SIZE_MAX};

/* Where each block shall be seen for itself, by a sanitizer, by valgrind or by whoever lets one fail, it is malloc's. */
static void *plain_resize(void *block, size_t old_size, size_t new_size)
{
    (void)old_size;
    if (new_size > 0)
        return realloc(block, new_size);
    free(block);
    return NULL;
}

static bool wants_plain(void)
{
#ifdef MOONKEY_SANITIZED
    return true;
#else
    return getenv("MOONKEY_MALLOC") != NULL;
#endif
}

/* The host needs some, to end well, when the limit was passed. */
static void give_up(void)
{
    if (!memory.ran_out)
        memory.limit += memory.limit / 4 + RESERVE;
    memory.ran_out = true;
    limits_out_of_memory();
}

/*
 * For a block that is to grow beyond memory.no_check. Lua asks once more after collecting its garbage; only when it has not
 * asked, or is refused again, has it run out of memory.
 */
static bool may_grow(const void *block, size_t size, size_t all)
{
    bool refused_before = memory.no_check == 0;
    bool asks_again = refused_before && block == memory.refused_block && size == memory.refused_size;
    bool fits = all <= memory.limit;
    memory.no_check = memory.limit;
    if (refused_before && !(asks_again && fits))
        give_up();
    else if (!fits)
        memory.no_check = 0;
    memory.refused_block = block;
    memory.refused_size = size;
    return fits;
}

void state_limit_memory(size_t bytes)
{
    memory.limit = memory.no_check = bytes;
}

void state_settle_memory(void)
{
    if (memory.no_check > 0)
        return;
    memory.no_check = memory.limit;
    give_up();
}

/* `plain`: not NULL to use malloc. */
static void *count_alloc(void *plain, void *block, size_t old_size, size_t new_size)
{
    if (!block)
        old_size = 0; /* Lua passes the kind of object here */
    if (new_size > old_size && memory.now + (new_size - old_size) > memory.no_check &&
        !may_grow(block, new_size, memory.now + (new_size - old_size)))
        return NULL;
    void *moved = (plain ? plain_resize : pool_resize)(block, old_size, new_size);
    if (!moved && new_size > 0)
        return NULL;
    memory.now += new_size - old_size;
    if (memory.now > memory.peak)
        memory.peak = memory.now;
    return moved;
}

size_t state_memory(size_t *peak)
{
    if (peak)
        *peak = memory.peak;
    return memory.now;
}

void state_traceback(lua_State *L, lua_State *from, int index)
{
    lua_pushvalue(from, index);
    if (from != L)
        lua_xmove(from, L, 1);
    bool speaks = lua_isstring(L, -1);
    if (!speaks && luaL_getmetafield(L, -1, "__tostring") != LUA_TNIL) {
        lua_pop(L, 1);
        speaks = true;
    }
    if (speaks)
        luaL_tolstring(L, -1, NULL);
    else
        lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, -1));
    luaL_traceback(L, from, lua_tostring(L, -1), from == L ? 1 : 0);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* ---- the modules that are part of the binary ---- */

static const struct embedded *find_embedded(const char *name)
{
    size_t low = 0, high = embedded_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, embedded[middle].name);
        if (order == 0)
            return &embedded[middle];
        *(order < 0 ? &high : &low) = order < 0 ? middle : middle + 1;
    }
    return NULL;
}

/* With MOONKEY_LUA=dir, files of that directory stand in for the embedded ones while developing. */
static int load_from_directory(lua_State *L, const char *directory, const char *name)
{
    static const char *const forms[] = {"%s/%s.lua", "%s/%s/init.lua"};
    const char *path = luaL_gsub(L, name, ".", "/");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *file = lua_pushfstring(L, forms[i], directory, path);
        if (access(file, R_OK) == 0) {
            if (luaL_loadfilex(L, file, "t") != LUA_OK)
                lua_error(L);
            lua_insert(L, -2);
            return 2; /* the loader, and what it is told: the file */
        }
        lua_pop(L, 1);
    }
    return 0;
}

/* Was it this Lua that the build has compiled the modules with? */
static bool has_code(void)
{
    return strcmp(embedded_code.lua, lua_ident) == 0;
}

static int load_module(lua_State *L, const struct embedded *module)
{
    const uint32_t *at = &embedded_code.at[module - embedded];
    if (has_code() && at[0] < at[1])
        return luaL_loadbufferx(L, (const char *)&embedded_code + at[0], at[1] - at[0], module->chunk, "b");
    return luaL_loadbufferx(L, module->source, (size_t)(module->end - module->source), module->chunk, "t");
}

/* The first of package.searchers, so that no file elsewhere can stand in for a part of the host. */
static int search_embedded(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1), *directory = getenv("MOONKEY_LUA");
    int found = directory && *directory ? load_from_directory(L, directory, name) : 0;
    if (found)
        return found;
    const struct embedded *module = find_embedded(name);
    if (!module) {
        lua_pushfstring(L, "no module '%s' in moonkey itself", name);
        return 1;
    }
    if (load_module(L, module) != LUA_OK)
        return lua_error(L);
    lua_pushstring(L, module->chunk + 1);
    return 2;
}

static int open_state(lua_State *L)
{
    luaL_openlibs(L);
    lib_register(L);
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers");
    lua_Integer count = luaL_len(L, -1);
    for (lua_Integer i = count; i >= 1; i--) {
        lua_geti(L, -1, i);
        lua_seti(L, -2, i + 1);
    }
    lua_pushcfunction(L, search_embedded);
    lua_seti(L, -2, 1);
    return 0;
}

lua_State *state_new(void)
{
    lua_State *L = lua_newstate(count_alloc, wants_plain() ? &memory : NULL);
    if (!L) {
        log_write(LOG_ERROR, "cannot start Lua: not enough memory");
        return NULL;
    }
    lua_pushcfunction(L, open_state);
    if (lua_pcall(L, 0, 0, 0) == LUA_OK)
        return L;
    log_write(LOG_ERROR, "cannot start Lua: %s", lua_tostring(L, -1));
    lua_close(L);
    return NULL;
}
