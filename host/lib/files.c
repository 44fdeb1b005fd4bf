/* moonkey.files: directories and names of files, as far as Lua's own io and os do not go. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib.h"

/* files.make_directories(path [, mode]): the directory, and those above it that are missing, for their owner only where no mode
 * says otherwise. true, or nil, message. */
static int f_make_directories(lua_State *L)
{
    size_t len;
    const char *path = luaL_checklstring(L, 1, &len);
    mode_t mode = (mode_t)luaL_optinteger(L, 2, 0700);
    char part[PATH_MAX];
    struct stat st;
    luaL_argcheck(L, len > 0 && len < sizeof part, 1, "expected the path of a directory");
    memcpy(part, path, len + 1);
    for (char *p = part + 1; p <= part + len; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char kept = *p;
        *p = '\0';
        int failed = mkdir(part, mode) == 0 ? 0 : errno;
        if (failed && failed != EEXIST && (failed != EROFS || stat(part, &st) != 0)) {
            errno = failed;
            return luaL_fileresult(L, 0, part);
        }
        *p = kept;
    }
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        errno = ENOTDIR;
    return luaL_fileresult(L, stat(path, &st) == 0 && S_ISDIR(st.st_mode), path);
}

/* files.temporary_directory(): a new one, for its owner only; or nil, message. Whoever made it removes it. */
static int f_temporary_directory(lua_State *L)
{
    const char *base = getenv("TMPDIR");
    char path[PATH_MAX];
    if (!base || *base != '/')
        base = "/tmp";
    luaL_argcheck(L, snprintf(path, sizeof path, "%s/moonkey.XXXXXX", base) < (int)sizeof path, 1, "TMPDIR is too long");
    if (!mkdtemp(path))
        return luaL_fileresult(L, 0, path);
    lua_pushstring(L, path);
    return 1;
}

static int close_directory(lua_State *L)
{
    DIR **directory = lua_touserdata(L, 1);
    if (*directory)
        closedir(*directory);
    *directory = NULL;
    return 0;
}

/* files.list(path): the names in a directory, without . and .., in no order; or nil, message, errno. */
static int f_list(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    DIR **directory = lua_newuserdatauv(L, sizeof(DIR *), 0);
    *directory = NULL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close_directory);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    if (!(*directory = opendir(path)))
        return luaL_fileresult(L, 0, path);
    lua_newtable(L);
    lua_Integer count = 0;
    for (const struct dirent *entry; (entry = readdir(*directory));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        lua_pushstring(L, entry->d_name);
        lua_rawseti(L, -2, ++count);
    }
    closedir(*directory);
    *directory = NULL;
    return 1;
}

/* files.absolute(path): from the root, without links and dots; or nil, message. */
static int f_absolute(lua_State *L)
{
    char resolved[PATH_MAX];
    const char *path = luaL_checkstring(L, 1);
    if (!realpath(path, resolved))
        return luaL_fileresult(L, 0, path);
    lua_pushstring(L, resolved);
    return 1;
}

/* Is `text`, as a whole, on the disk in a file that was not there? Otherwise errno. */
static int write_new(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    errno = ENOSPC; /* what a short write means */
    int failed = write(fd, text, len) != (ssize_t)len || fsync(fd) != 0 ? errno : 0;
    if (close(fd) != 0 && !failed)
        failed = errno;
    if (failed)
        unlink(path);
    return failed;
}

/* Make the name of a file that is in a directory last. */
static void sync_directory_of(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        return;
    *slash = '\0';
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/*
 * files.claim(path, text): write a file of one line that must not be there yet, for its owner only. true; false where it is
 * there; or nil, message. Whoever is killed at it leaves either all of it or nothing by that name.
 */
static int f_claim(lua_State *L)
{
    size_t len;
    char draft[PATH_MAX];
    const char *path = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &len);
    luaL_argcheck(L, snprintf(draft, sizeof draft, "%s.%ld", path, (long)getpid()) < (int)sizeof draft, 1,
                  "the path is too long");
    unlink(draft); /* of a process that had our number and was killed */
    int failed = write_new(draft, text, len);
    if (!failed) {
        failed = link(draft, path) == 0 ? 0 : errno;
        unlink(draft);
        sync_directory_of(draft);
    }
    if (failed == EEXIST) {
        lua_pushboolean(L, 0);
        return 1;
    }
    errno = failed;
    return luaL_fileresult(L, !failed, path);
}

static int close_file(lua_State *L)
{
    luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    return luaL_fileresult(L, fclose(stream->f) == 0, NULL);
}

/* An empty file that was not there, for its owner only, with `room` bytes on the disk set aside for it; NULL: see errno. */
static FILE *create_with_room(const char *path, off_t room)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return NULL;
    FILE *file = NULL;
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, room) == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
        file = fdopen(fd, "w");
    if (!file) {
        int failed = errno;
        close(fd);
        unlink(path);
        errno = failed;
    }
    return file;
}

/* files.create(path, room): a file to write, empty and new, readable by its owner only, that will not lack room for so many
 * bytes (where the file system can promise that); or nil, message. What is there already is left alone. */
static int f_create(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_Integer room = luaL_checkinteger(L, 2);
    luaL_argcheck(L, room > 0, 2, "expected a number of bytes");
    luaL_Stream *stream = lua_newuserdatauv(L, sizeof *stream, 0);
    *stream = (luaL_Stream){0};
    luaL_setmetatable(L, LUA_FILEHANDLE);
    if (!(stream->f = create_with_room(path, (off_t)room)))
        return luaL_fileresult(L, 0, path);
    stream->closef = close_file;
    return 1;
}

/* files.sync(file): what was written to an open file is on the disk. true, or nil, message. */
static int f_sync(lua_State *L)
{
    luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    luaL_argcheck(L, stream->closef, 1, "the file is closed");
    return luaL_fileresult(L, fflush(stream->f) == 0 && fsync(fileno(stream->f)) == 0, NULL);
}

static const luaL_Reg lib[] = {
    {"absolute", f_absolute},
    {"claim", f_claim},
    {"create", f_create},
    {"list", f_list},
    {"sync", f_sync},
    {"make_directories", f_make_directories},
    {"temporary_directory", f_temporary_directory},
    {NULL, NULL},
};

int luaopen_moonkey_files(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
