/*
 * moonkey.beneath: files below a directory, and nowhere else: for restricted scripts.
 *
 * Each name of the way is opened from the directory before it, and none may be a symbolic link, so whatever happens to the
 * tree meanwhile, nothing outside of it is reached. Only regular files are opened: a device or a pipe is no data of anybody's.
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib.h"

static const char links[] = "a symbolic link is on the way, which a restricted script may not follow";
static const char irregular[] = "it is not a regular file";

/* A descriptor of the directory that the last name of `path` is in, and that name; -1: see errno. */
static int open_parent(const char *root, const char *path, char *name, size_t size)
{
    int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0) {
        size_t len = strcspn(path, "/");
        if (len >= size || len == 0) {
            close(at);
            errno = len ? ENAMETOOLONG : ENOENT;
            return -1;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        if (path[len] == '\0')
            return at;
        int next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close(at);
        errno = error;
        at = next;
        path += len + 1;
    }
    return -1;
}

/* Lua's modes, which are checked by the caller: r, w, a, with + and b. */
static int flags_of(const char *mode)
{
    bool both = strchr(mode, '+') != NULL;
    int flags = *mode == 'w' ? O_CREAT | O_TRUNC : *mode == 'a' ? O_CREAT | O_APPEND : 0;
    return flags | (both ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY);
}

static int close_file(lua_State *L)
{
    luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    return luaL_fileresult(L, fclose(stream->f) == 0, NULL);
}

static int refuse(lua_State *L, const char *path, const char *why)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, why);
    return 2;
}

/* beneath.open(root, path, mode): a file as io.open's; or nil, message, errno. `path` is relative, without "." and "..". */
static int f_open(lua_State *L)
{
    const char *root = luaL_checkstring(L, 1), *path = luaL_checkstring(L, 2), *mode = luaL_checkstring(L, 3);
    char name[256];
    luaL_Stream *stream = lua_newuserdatauv(L, sizeof *stream, 0);
    *stream = (luaL_Stream){0};
    luaL_setmetatable(L, LUA_FILEHANDLE);
    int parent = open_parent(root, path, name, sizeof name);
    int flags = flags_of(mode) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = parent < 0 ? -1 : openat(parent, name, flags, 0666);
    int error = errno;
    if (parent >= 0)
        close(parent);
    errno = error;
    if (fd < 0)
        return error == ELOOP || error == ENOTDIR ? refuse(L, path, links) : luaL_fileresult(L, 0, path);
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return refuse(L, path, irregular);
    }
    if (!(stream->f = fdopen(fd, mode))) {
        error = errno;
        close(fd);
        errno = error;
        return luaL_fileresult(L, 0, path);
    }
    stream->closef = close_file;
    return 1;
}

/* beneath.check(root, path): true where open could reach it, whether it is there or not; or nil, message, errno. */
static int f_check(lua_State *L)
{
    const char *root = luaL_checkstring(L, 1), *path = luaL_checkstring(L, 2);
    char name[256];
    int parent = open_parent(root, path, name, sizeof name);
    if (parent < 0)
        return errno == ELOOP || errno == ENOTDIR ? refuse(L, path, links) : luaL_fileresult(L, 0, path);
    struct stat st;
    bool there = fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    close(parent);
    if (there && S_ISLNK(st.st_mode))
        return refuse(L, path, links);
    if (there && !S_ISREG(st.st_mode))
        return refuse(L, path, irregular);
    lua_pushboolean(L, 1);
    return 1;
}

static const luaL_Reg lib[] = {
    {"check", f_check},
    {"open", f_open},
    {NULL, NULL},
};

int luaopen_moonkey_beneath(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
