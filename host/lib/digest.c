/* moonkey.digest: SHA-256 (FIPS 180-4), by which a run knows its input, its job and its rows again. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "lib.h"

enum { SIZE = 32, SHORT = 16, CHUNK = 1 << 18 };

static const char chunks, texts; /* registry keys of scratch buffers */

/* For as long as the program runs: to look an algorithm up takes longer than to digest a row. */
static EVP_MD *algorithm;
static EVP_MD_CTX *context;

static bool begin(void)
{
    if (!algorithm)
        algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!context)
        context = EVP_MD_CTX_new();
    return algorithm && context && EVP_DigestInit_ex(context, algorithm, NULL) == 1;
}

static void push_hex(lua_State *L, const unsigned char *digest)
{
    char text[2 * SIZE];
    for (size_t i = 0; i < SIZE; i++) {
        text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    lua_pushlstring(L, text, sizeof text);
}

static void of_bytes(lua_State *L, const char *text, size_t len, unsigned char *digest)
{
    if (!begin() || EVP_DigestUpdate(context, text, len) != 1 || EVP_DigestFinal_ex(context, digest, NULL) != 1)
        luaL_error(L, "not enough memory");
}

/* digest.sha256(text): 64 hexadecimal digits. */
static int f_sha256(lua_State *L)
{
    unsigned char digest[SIZE];
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    of_bytes(L, text, len, digest);
    push_hex(L, digest);
    return 1;
}

/*
 * digest.value(value): 16 bytes, the beginning of the digest of its JSON, in which the members of objects are sorted. Raises
 * for what has no form in JSON.
 */
static int f_value(lua_State *L)
{
    unsigned char digest[SIZE];
    struct buf *text = lib_scratch(L, &texts, JSON_MAX_SIZE);
    luaL_checkany(L, 1);
    json_encode(L, 1, text, 0);
    of_bytes(L, buf_text(text), text->len, digest);
    lua_pushlstring(L, (const char *)digest, SHORT);
    return 1;
}

/* Up to `most` bytes. 0, or an errno. */
static int read_all(int fd, char *chunk, lua_Integer most, lua_Integer *size)
{
    while (*size < most) {
        ssize_t n = read(fd, chunk, most - *size < CHUNK ? (size_t)(most - *size) : CHUNK);
        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        *size += n;
        if (EVP_DigestUpdate(context, chunk, (size_t)n) != 1)
            return ENOMEM;
    }
    return 0;
}

/* digest.file(path [, most]): of the file, or of its first so many bytes: 64 hexadecimal digits and the number of bytes, or nil
 * and why not.
 */
static int f_file(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_Integer most = luaL_optinteger(L, 2, LUA_MAXINTEGER);
    struct buf *chunk = lib_scratch(L, &chunks, CHUNK);
    unsigned char digest[SIZE];
    lua_Integer size = 0;
    int fd = -1, why = ENOMEM;
    if (buf_reserve(chunk, CHUNK) == BUF_OK && begin())
        why = (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 ? errno : read_all(fd, chunk->data, most, &size);
    if (why == 0 && EVP_DigestFinal_ex(context, digest, NULL) != 1)
        why = ENOMEM;
    if (fd >= 0)
        close(fd);
    if (why != 0) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", path, strerror(why));
        return 2;
    }
    push_hex(L, digest);
    lua_pushinteger(L, size);
    return 2;
}

static const luaL_Reg lib[] = {
    {"file", f_file},
    {"sha256", f_sha256},
    {"value", f_value},
    {NULL, NULL},
};

int luaopen_moonkey_digest(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
