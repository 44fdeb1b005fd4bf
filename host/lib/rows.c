/*
 * rows: Lua readers of row files and of standard input, over the framing of ../rows.h.
 *
 * A regular file is read directly. From a pipe, a terminal or a socket nothing is read until the loop says that there is
 * something, so that other tasks go on meanwhile. The reader userdata owns the framer, the descriptor, and its one wait.
 */
#include "../rows.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../task.h"
#include "json.h"
#include "lib.h"
#include "rows_create.h"

#define READER "moonkey.rows.reader"
#define CHUNK  65536

struct reader {
    struct rows *rows;
    int fd; /* -1 when closed */
    bool regular, header_read, waiting;
    lua_Integer size; /* of a regular file */
    struct watch watch;
    struct park park;
};

enum fill { FILLED, MUST_WAIT, READ_FAILED, FILL_NOMEM };

#define CONTAINER(pointer, member) ((struct reader *)((char *)(pointer)-offsetof(struct reader, member)))

/* ---- waiting for a pipe ---- */

static void on_ready(struct watch *watch, short revents)
{
    (void)revents;
    struct reader *r = CONTAINER(watch, watch);
    loop_unwatch(task_loop(), watch);
    task_wake(&r->park, WAKE_DONE);
}

static void on_cancel(struct park *park)
{
    struct reader *r = CONTAINER(park, park);
    loop_unwatch(task_loop(), &r->watch);
    task_wake(park, WAKE_CANCELLED);
}

static enum fill fill(struct reader *r)
{
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    if (!r->regular && poll(&p, 1, 0) == 0)
        return MUST_WAIT;
    char *space = rows_space(r->rows, CHUNK);
    if (!space)
        return FILL_NOMEM;
    ssize_t n;
    do
        n = read(r->fd, space, CHUNK);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? MUST_WAIT : READ_FAILED;
    if (n == 0)
        rows_finish(r->rows);
    rows_added(r->rows, (size_t)n);
    return FILLED;
}

/* ---- rows to Lua values ---- */

static int push_problem(lua_State *L, bool usable, size_t line, const char *message)
{
    if (usable)
        lua_pushboolean(L, 0);
    else
        lua_pushnil(L);
    lua_pushinteger(L, (lua_Integer)line);
    lua_pushstring(L, message);
    return 3;
}

/* Is the value on top an object? */
static bool is_object(lua_State *L)
{
    if (!lua_istable(L, -1))
        return false;
    if (!lua_getmetatable(L, -1))
        return true;
    json_push_array_metatable(L);
    bool array = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return !array;
}

static int push_json(lua_State *L, const struct row *row)
{
    if (!json_decode(L, row->text, row->len))
        return push_problem(L, true, row->line, lua_tostring(L, -1));
    if (!is_object(L))
        return push_problem(L, true, row->line,
                            "a row is a JSON object such as {\"id\":\"TKN-1234-5678\",\"name\":\"New name\"}");
    lua_pushinteger(L, (lua_Integer)row->line);
    return 2;
}

static int push_cells(lua_State *L, const struct row *row)
{
    lua_createtable(L, (int)row->count, 0);
    for (size_t i = 0; i < row->count; i++) {
        if (!json_is_utf8(row->cells[i].text, row->cells[i].len))
            return push_problem(L, true, row->line,
                                lua_pushfstring(L, "cell %I is not valid UTF-8; save the file as UTF-8", (LUAI_UACINT)(i + 1)));
        lua_pushlstring(L, row->cells[i].text, row->cells[i].len);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, (lua_Integer)row->line);
    return 2;
}

static struct reader *check_reader(lua_State *L)
{
    struct reader *r = luaL_checkudata(L, 1, READER);
    luaL_argcheck(L, r->fd >= 0, 1, "the reader is closed");
    return r;
}

static int unusable_header(lua_State *L, size_t line, const char *why)
{
    return push_problem(L, false, line, lua_pushfstring(L, "the header line cannot be read: %s", why));
}

/* The header stays with the reader. True: it was asked for, and is on the stack. */
static bool keep_header(lua_State *L, struct reader *r, bool wanted)
{
    r->header_read = true;
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, 1);
    if (!wanted)
        lua_pop(L, 1);
    return wanted;
}

/* Go on until there is something to return; the continuation of its own wait. `header_wanted`: the header is what is asked for.
 */
static int advance(lua_State *L, int status, lua_KContext header_wanted)
{
    (void)status;
    struct reader *r = luaL_checkudata(L, 1, READER);
    struct row row;
    if (r->waiting) {
        r->waiting = false;
        if (r->park.wake == WAKE_CANCELLED)
            return push_problem(L, false, 0, "interrupted");
    }
    check_reader(L);
    for (;;) {
        enum rows_status what = rows_begin(r->rows, &row);
        if (what == ROWS_ROW && header_wanted && rows_format(r->rows) != ROWS_CSV)
            return 0;
        if (what == ROWS_ROW)
            what = rows_next(r->rows, &row);
        bool is_header = rows_format(r->rows) == ROWS_CSV && !r->header_read;
        if (what == ROWS_ROW) {
            int count = rows_format(r->rows) == ROWS_CSV ? push_cells(L, &row) : push_json(L, &row);
            if (!is_header)
                return count;
            if (count == 3)
                return unusable_header(L, row.line, lua_tostring(L, -1));
            if (keep_header(L, r, header_wanted))
                return 1;
        } else if (what == ROWS_MORE) {
            switch (fill(r)) {
            case FILLED:
                break;
            case FILL_NOMEM:
                return luaL_error(L, "not enough memory");
            case READ_FAILED:
                return push_problem(L, false, 0, lua_pushfstring(L, "reading failed: %s", strerror(errno)));
            case MUST_WAIT:
                task_check_can_wait(L, "reading rows");
                r->park = (struct park){.cancel = on_cancel};
                r->watch = (struct watch){.fd = r->fd, .events = POLLIN, .ready = on_ready};
                if (!loop_watch(task_loop(), &r->watch))
                    return luaL_error(L, "not enough memory");
                r->waiting = true;
                return task_park(L, &r->park, advance, header_wanted);
            }
        } else if (what == ROWS_BAD) {
            return is_header ? unusable_header(L, row.line, row.error) : push_problem(L, true, row.line, row.error);
        } else if (what == ROWS_UNUSABLE) {
            return push_problem(L, false, row.line, row.error);
        } else {
            return what == ROWS_END ? 0 : luaL_error(L, "not enough memory");
        }
    }
}

/* ---- methods ---- */

static int begin(lua_State *L, bool header_wanted)
{
    struct reader *r = check_reader(L);
    lua_settop(L, 1);
    if (r->waiting)
        return luaL_error(L, "another task is waiting for this reader");
    return advance(L, LUA_OK, header_wanted);
}

/*
 * reader:next() -> row, line. JSONL and JSON: the object; CSV: the list of cells, as text, of each line below the header.
 * A row that cannot be read: false, line, message. The input is unusable from there, or Ctrl-C ended the wait: nil, line,
 * message. At the end: nothing.
 */
static int f_next(lua_State *L)
{
    return begin(L, false);
}

/*
 * reader:skip(count) -> how many rows were passed over, without a look into them: fewer at the end, and where the input cannot
 * be used or must be waited for, which next() tells. A CSV file's header must have been read.
 */
static int f_skip(lua_State *L)
{
    struct reader *r = check_reader(L);
    lua_Integer count = luaL_checkinteger(L, 2), skipped = 0;
    struct row row;
    while (skipped < count) {
        enum rows_status what = rows_next(r->rows, &row);
        if (what == ROWS_ROW || what == ROWS_BAD)
            skipped++;
        else if (what != ROWS_MORE || fill(r) != FILLED)
            break;
    }
    lua_pushinteger(L, skipped);
    return 1;
}

/* reader:header() -> list of the names in a CSV file's header; nothing for other formats and empty files; nil, line, message.
 */
static int f_header(lua_State *L)
{
    struct reader *r = check_reader(L);
    if (r->header_read)
        return lua_getiuservalue(L, 1, 1), 1;
    return begin(L, true);
}

/* reader:offset() -> bytes turned into rows so far, size of the file (nil unless it is a regular file) */
static int f_offset(lua_State *L)
{
    struct reader *r = check_reader(L);
    lua_pushinteger(L, (lua_Integer)rows_consumed(r->rows));
    if (!r->regular)
        return 1;
    lua_pushinteger(L, r->size);
    return 2;
}

static int f_gc(lua_State *L)
{
    struct reader *r = luaL_checkudata(L, 1, READER);
    if (r->watch.slot)
        loop_unwatch(task_loop(), &r->watch);
    task_unpark(&r->park);
    rows_free(r->rows);
    r->rows = NULL;
    if (r->fd > STDIN_FILENO)
        close(r->fd);
    r->fd = -1;
    return 0;
}

/* reader:close(): a task that waits for the reader goes on as if interrupted. */
static int f_close(lua_State *L)
{
    struct reader *r = luaL_checkudata(L, 1, READER);
    if (r->waiting)
        on_cancel(&r->park);
    return f_gc(L);
}

/* ---- opening ---- */

static const struct {
    const char *name;
    enum rows_format format;
} formats[] = {
    {"csv", ROWS_CSV}, {"json", ROWS_JSON}, {"jsonl", ROWS_JSONL}, {"ndjson", ROWS_JSONL}, {"tsv", ROWS_CSV},
};

/* ROWS_ANY for a name that is not known. */
static enum rows_format format_named(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcasecmp(formats[i].name, name) == 0)
            return formats[i].format;
    return ROWS_ANY;
}

static enum rows_format format_of_file(const char *path)
{
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    return dot && (!slash || dot > slash) ? format_named(dot + 1) : ROWS_ANY;
}

static const char *format_advice(const char *path)
{
    static const char *const spreadsheets[] = {".xlsx", ".xls", ".xlsm", ".ods", ".numbers"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof spreadsheets / sizeof *spreadsheets; i++)
        if (strcasecmp(dot, spreadsheets[i]) == 0)
            return "a spreadsheet program's own format; save it there as \"CSV UTF-8\" and give that file";
    return "its name does not tell the format; add --format csv, --format jsonl or --format json";
}

/* nil, message; never reached with a descriptor that is not in `r`. */
static int cannot_read(lua_State *L, const char *path, const char *why)
{
    lua_pushnil(L);
    lua_pushfstring(L, "cannot read rows from %s: %s", path, why);
    return 2;
}

/*
 * rows.open{ path = FILE or "-", format = "jsonl"|"json"|"csv"|nil } -> reader | nil, message
 * Without a format the name's extension tells; what has no name of its own (standard input, a pipe) tells by its first
 * character.
 */
static int f_open(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "path");
    lua_getfield(L, 1, "format");
    const char *path = lua_tostring(L, 2), *name = lua_tostring(L, 3);
    luaL_argcheck(L, path, 1, "path must be a string");
    enum rows_format format = name ? format_named(name) : ROWS_ANY;
    luaL_argcheck(L, lua_isnil(L, 3) || format != ROWS_ANY, 1, "format must be \"jsonl\", \"json\" or \"csv\"");
    bool standard_input = strcmp(path, "-") == 0;

    struct reader *r = lua_newuserdatauv(L, sizeof *r, 1);
    *r = (struct reader){.fd = -1};
    luaL_setmetatable(L, READER);
    r->fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (r->fd < 0 || fstat(r->fd, &st) != 0)
        return cannot_read(L, path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return cannot_read(L, path, "it is a directory; name a file");
    r->regular = S_ISREG(st.st_mode);
    r->size = (lua_Integer)st.st_size;
    if (format == ROWS_ANY && !standard_input)
        format = format_of_file(path);
    if (format == ROWS_ANY && !standard_input && r->regular)
        return cannot_read(L, path, format_advice(path));
    r->rows = rows_new(format);
    return r->rows ? 1 : luaL_error(L, "not enough memory");
}

static const luaL_Reg methods[] = {
    {"close", f_close}, {"header", f_header}, {"next", f_next}, {"offset", f_offset}, {"skip", f_skip}, {NULL, NULL},
};

static const luaL_Reg lib[] = {
    {"create", rows_create},
    {"open", f_open},
    {NULL, NULL},
};

int luaopen_moonkey_rows(lua_State *L)
{
    luaL_newmetatable(L, READER);
    lua_pushcfunction(L, f_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, f_close);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, lib);
    return 1;
}
