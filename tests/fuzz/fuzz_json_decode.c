/*
 * json_decode: any bytes, decoded as the body of a token is and as json.decode() does. Neither raises; what one of them accepts
 * can be written, and is the same once it is read again. What json_peek() says yes to is accepted, and it has found the right
 * string.
 */
#include "fuzz_lua.h"
#include "jsonpeek.h"
#include "lib/json.h"
#include "lib/lib.h"

static const char chunk[] = "return require 'moonkey.json'";

/* The value at `index` as JSON, which has sorted names: equal texts are equal values. Pushes the buffer. */
static const struct buf *encode(lua_State *L, int index)
{
    struct buf *out = lib_new_buffer(L, JSON_MAX_SIZE);
    json_encode(L, index, out, 0);
    REQUIRE(json_is_utf8(buf_text(out), out->len));
    return out;
}

static void check(lua_State *L, const char *text, size_t len, bool (*decode)(lua_State *L, const char *text, size_t len))
{
    int top = lua_gettop(L);
    bool well = decode(L, text, len);
    REQUIRE(lua_gettop(L) == top + 1);
    REQUIRE(well || lua_type(L, -1) == LUA_TSTRING);
    if (well && !(decode == json_decode_without_nulls && json_is_null(L, -1))) {
        const struct buf *first = encode(L, top + 1);
        REQUIRE(decode(L, first->data, first->len));
        const struct buf *second = encode(L, top + 3);
        REQUIRE(first->len == second->len && memcmp(first->data, second->data, first->len) == 0);
    }
    lua_settop(L, top);
}

static void check_peek(lua_State *L, const char *text, size_t len)
{
    static const char name[] = "a"; /* a letter is found sooner than a word */
    const char *value;
    size_t value_len, decoded_len;
    if (!json_peek(text, len, name, &value, &value_len))
        return;
    REQUIRE(json_decode_without_nulls(L, text, len));
    REQUIRE(lua_istable(L, -1) && !json_is_array(L, -1));
    REQUIRE(lua_getfield(L, -1, name) == LUA_TSTRING);
    const char *decoded = lua_tolstring(L, -1, &decoded_len);
    REQUIRE(decoded_len == value_len && memcmp(decoded, value, value_len) == 0);
    lua_pop(L, 2);
}

static int run(lua_State *L)
{
    struct input *in = lua_touserdata(L, 1);
    char *text = lua_newuserdatauv(L, in->left + 1, 0); /* an error of Lua's must not leak it */
    memcpy(text, in->at, in->left);
    text[in->left] = '\0';
    check(L, text, in->left, json_decode);
    check(L, text, in->left, json_decode_without_nulls);
    check_peek(L, text, in->left);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {(const char *)data, size};
    fuzz_call(fuzz_state(chunk), run, &in);
    return 0;
}
