/*
 * rql: a query string. What rql.parse takes is printed to text that it parses to the same; the emulator finds tokens by it or
 * refuses it, without an error of the database; nothing raises, and it takes a moment.
 */
#include <time.h>

#include "fuzz_lua.h"

static const char chunk[] = "local rql, seed = require 'moonkey.rql', require 'moonkey.emulator.seed'\n"
                            "local routes = require 'moonkey.emulator.routes'\n"
                            "local store = assert(require('moonkey.emulator.store').open())\n"
                            "store:begin()\n"
                            "seed.tokens(store, 5)\n"
                            "store:commit()\n"
                            "local headers = { authorization = 'Bearer ' .. store:credential() }\n"
                            "return function(text)\n"
                            "  local parsed, err = rql.parse(text)\n"
                            "  if parsed then\n"
                            "    assert(rql.parse(tostring(parsed)) == parsed, 'another tree')\n"
                            "  else\n"
                            "    assert(err.message and err.key and err.position <= #text + 1 and tostring(err))\n"
                            "  end\n"
                            "  for _, path in ipairs{ 'api-tokens', 'modules' } do\n"
                            "    store:begin()\n"
                            "    local answer = routes.handle(store, { method = 'GET', query = text, headers = headers,\n"
                            "      path = '/public/v1/accounts/' .. path })\n"
                            "    store:commit()\n"
                            "    assert(answer.status == 200 or answer.status == 400, answer.body)\n"
                            "  end\n"
                            "  assert(store:count() == 5)\n"
                            "end\n";

static int run(lua_State *L)
{
    struct input *in = lua_touserdata(L, 1);
    lua_pushlstring(L, in->at, in->left);
    lua_call(L, 1, 0); /* what the chunk returned */
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {(const char *)data, size};
    lua_State *L = fuzz_state(chunk);
    clock_t began = clock();
    fuzz_call(L, run, &in);
    REQUIRE(clock() - began < 5 * CLOCKS_PER_SEC);
    return 0;
}
