/* cjson_guard: see cjson_guard.h. The names with __real_ and __wrap_ are the linker's. */
#include "cjson_guard.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static struct {
    lua_State *L; /* of the call, NULL while there is none */
    void *buffer; /* that it has taken and not given back */
    bool no_memory;
} call;

_Noreturn void __real_exit(int code);
_Noreturn void __wrap_exit(int code);
void *__real_strbuf_new(size_t size);
void *__wrap_strbuf_new(size_t size);
void __real_strbuf_free(void *buffer);
void __wrap_strbuf_free(void *buffer);

_Noreturn void __wrap_exit(int code)
{
    if (call.L) {
        call.no_memory = true;
        luaL_error(call.L, "not enough memory");
    }
    __real_exit(code == -1 ? EXIT_FAILURE : code); /* for a script that uses lua-cjson itself */
}

void *__wrap_strbuf_new(size_t size)
{
    void *buffer = __real_strbuf_new(size);
    if (call.L)
        call.buffer = buffer;
    return buffer;
}

void __wrap_strbuf_free(void *buffer)
{
    if (buffer == call.buffer)
        call.buffer = NULL;
    __real_strbuf_free(buffer);
}

int cjson_pcall(lua_State *L, int nargs, int nresults)
{
    call.L = L;
    call.no_memory = false;
    int status = lua_pcall(L, nargs, nresults, 0);
    if (call.buffer)
        __wrap_strbuf_free(call.buffer);
    call.L = NULL;
    return call.no_memory ? LUA_ERRMEM : status;
}
