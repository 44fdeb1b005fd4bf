/*
 * error_body: a line `STATUS KIND MESSAGE`, then a body, both with the stand-ins of fuzz_fill(); made into an error as
 * host/lib/call.c does. It never raises, what it says can be shown, the credential is in none of it, and it takes a moment.
 */
#include <time.h>

#include "fuzz_lua.h"
#include "lib/lib.h"
#include "redact.h"
#include "secret.h"

static const char chunk[] = "local errors, json = require 'moonkey.errors', require 'moonkey.json'\n"
                            "local function check(text) assert(text == nil or utf8.len(text), 'not UTF-8') end\n"
                            "return function(facts)\n"
                            "  local err = errors.from_result(facts)\n"
                            "  assert(errors.is(err) and type(err.errors) == 'table')\n"
                            "  for _, e in ipairs(err.errors) do\n"
                            "    assert(type(e.message) == 'string' and (e.field == nil or type(e.field) == 'string'))\n"
                            "  end\n"
                            "  for _, key in ipairs{ 'title', 'detail', 'trace_id' } do check(err[key]) end\n"
                            "  check(tostring(err))\n"
                            "  local fields = {}\n"
                            "  for key, value in pairs(err) do fields[key] = value end\n"
                            "  fields.errors = json.array(err.errors)\n"
                            "  return tostring(err), json.encode(fields)\n"
                            "end\n";

static void teach(void)
{
    static struct secret *secret;
    static char err[ERROR_SIZE];
    if (!secret)
        secret = secret_new(FUZZ_CREDENTIAL, strlen(FUZZ_CREDENTIAL), "the test", err);
    REQUIRE(secret);
}

/* As call.c does it: redacted before Lua sees it. */
static void set_text(lua_State *L, const char *name, const char *text, size_t len)
{
    struct buf filled, *clean = lib_new_buffer(L, REDACT_CAP(80 * 6 * len));
    buf_init(&filled, 80 * 6 * len);
    fuzz_fill(&filled, text, len);
    redact_append(clean, buf_text(&filled), filled.len);
    buf_free(&filled);
    lua_pushlstring(L, buf_text(clean), clean->len);
    lua_setfield(L, -3, name);
    lua_pop(L, 1);
}

static void set_facts(lua_State *L, char *line, const char *body, size_t len)
{
    static const char *const kinds[] = {"api", "auth", "transport", "timeout", "invalid_response", "cancelled", "refused"};
    char *rest = line;
    long status = strtol(line, &rest, 10);
    const char *word = strtok_r(rest, " ", &rest), *kind = kinds[0];
    for (size_t i = 0; word && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(word, kinds[i]) == 0)
            kind = kinds[i];
    lua_createtable(L, 0, 10);
    lua_pushstring(L, kind);
    lua_setfield(L, -2, "kind");
    if (status) {
        lua_pushinteger(L, status);
        lua_setfield(L, -2, "status");
    }
    set_text(L, "message", rest ? rest : "", rest ? strlen(rest) : 0);
    set_text(L, "body", body, len);
    set_text(L, "path", "/public/v1/accounts/api-tokens/TKN-0000-0007", 44);
    lua_pushstring(L, "PUT");
    lua_setfield(L, -2, "method");
    lua_pushstring(L, "api.example.com");
    lua_setfield(L, -2, "host");
    lua_pushinteger(L, 1);
    lua_setfield(L, -2, "attempts");
    lua_pushboolean(L, status >= 500);
    lua_setfield(L, -2, "retryable");
}

static int run(lua_State *L)
{
    struct input *in = lua_touserdata(L, 1);
    size_t len, body_len;
    char *line = input_line(in), *body = input_rest(in, &body_len);
    set_facts(L, line, body, body_len);
    free(line);
    free(body);
    lua_call(L, 1, 2); /* what the chunk returned, with the facts */
    for (int i = -2; i < 0; i++) {
        const char *text = lua_tolstring(L, i, &len);
        REQUIRE(!fuzz_shows(text, len, FUZZ_SECRET));
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {(const char *)data, size};
    lua_State *L = fuzz_state(chunk);
    if (fuzz_shows(in.at, in.left, "Credential")) /* the fuzzer has learnt it from the check: not a fair input */
        return 0;
    teach();
    clock_t began = clock();
    fuzz_call(L, run, &in);
    REQUIRE(clock() - began < 5 * CLOCKS_PER_SEC);
    return 0;
}
