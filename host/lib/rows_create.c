/* rows_create: see rows_create.h. */
#include "rows_create.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int close_file(lua_State *L)
{
    luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    return luaL_fileresult(L, fclose(stream->f) == 0, NULL);
}

/* A file that is there already is taken only when nothing can be lost by it: an empty file, /dev/null, a pipe. -1: see errno.
 */
static int open_harmless(const char *path)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return fd;
    if (st.st_size == 0 && fchmod(fd, 0600) == 0)
        return fd;
    close(fd);
    errno = EEXIST;
    return -1;
}

int rows_create(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    luaL_Stream *stream = lua_newuserdatauv(L, sizeof *stream, 0);
    *stream = (luaL_Stream){0};
    luaL_setmetatable(L, LUA_FILEHANDLE);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        fd = open_harmless(path);
    if (fd >= 0 && !(stream->f = fdopen(fd, "w")))
        close(fd);
    if (stream->f) {
        stream->closef = close_file;
        return 1;
    }
    lua_pushnil(L);
    if (errno == EEXIST)
        lua_pushfstring(
            L, "%s exists already and is not empty: it will not be overwritten; name another file, or remove it first", path);
    else
        lua_pushfstring(L, "cannot create %s: %s", path, strerror(errno));
    return 2;
}
