/*
 * embed_compile: a program of the build. Compiles the modules of embed.h as the program would when it loads them, and writes
 * struct embedded_code. Nothing is stripped: errors, tracebacks and debug.getinfo tell the same of them.
 *
 *   embed_compile FILE
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"

static int write_piece(lua_State *L, const void *piece, size_t size, void *out)
{
    (void)L;
    return fwrite(piece, 1, size, out) != size;
}

/* At the end of `out`. */
static bool compile(lua_State *L, const struct embedded *module, FILE *out)
{
    if (luaL_loadbufferx(L, module->source, (size_t)(module->end - module->source), module->chunk, "t") != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return false;
    }
    bool written = lua_dump(L, write_piece, out, 0) == 0;
    lua_pop(L, 1);
    return written;
}

static bool compile_all(lua_State *L, struct embedded_code *code, size_t head, FILE *out)
{
    snprintf(code->lua, sizeof code->lua, "%s", lua_ident);
    if (fwrite(code, head, 1, out) != 1)
        return false;
    for (size_t i = 0; i < embedded_count; i++) {
        code->at[i] = (uint32_t)ftell(out);
        if (embedded_is_module(&embedded[i]) && !compile(L, &embedded[i], out))
            return false;
    }
    code->at[embedded_count] = (uint32_t)ftell(out);
    return fseek(out, 0, SEEK_SET) == 0 && fwrite(code, head, 1, out) == 1;
}

int main(int argc, char **argv)
{
    size_t head = sizeof(struct embedded_code) + (embedded_count + 1) * sizeof(uint32_t);
    struct embedded_code *code = calloc(1, head);
    lua_State *L = luaL_newstate();
    FILE *out = argc == 2 ? fopen(argv[1], "wb") : NULL;
    bool done = code && L && out && compile_all(L, code, head, out);
    if (out && fclose(out) != 0)
        done = false;
    if (!done)
        fprintf(stderr, "embed_compile: cannot compile the Lua modules into %s\n", argc == 2 ? argv[1] : "FILE");
    if (L)
        lua_close(L);
    free(code);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
