/*
 * moonkey.terminal: a question to whoever sits at the terminal, wherever standard input and output lead.
 *
 * The task that asks waits; the others, Ctrl-C and the requests in flight go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "../log.h"
#include "../redact.h"
#include "../task.h"
#include "lib.h"

static const char QUESTION[] = "moonkey.question";

struct question {
    struct park park;
    struct watch watch;
    int fd; /* -1: closed */
    size_t len;
    char answer[256];
};

static void on_ready(struct watch *watch, short revents)
{
    (void)revents;
    loop_unwatch(task_loop(), watch);
    task_wake(&((struct question *)((char *)watch - offsetof(struct question, watch)))->park, WAKE_DONE);
}

static void on_cancel(struct park *park)
{
    loop_unwatch(task_loop(), &((struct question *)park)->watch);
    task_wake(park, WAKE_CANCELLED);
}

static int question_gc(lua_State *L)
{
    struct question *q = lua_touserdata(L, 1);
    if (q->watch.slot)
        loop_unwatch(task_loop(), &q->watch);
    task_unpark(&q->park);
    if (q->fd >= 0) {
        close(q->fd);
        log_hold_status(false);
    }
    q->fd = -1;
    return 0;
}

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR)
            return;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
}

/* The answer, or nil, why. */
static int end(lua_State *L, struct question *q, const char *why)
{
    close(q->fd);
    q->fd = -1;
    log_hold_status(false);
    if (!why) {
        lua_pushlstring(L, q->answer, q->len);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

static int wait_for_line(lua_State *L, struct question *q);

/* A terminal gives a line at a time; one in raw mode, less. A line that is too long is no answer to anything that is asked. */
static int go_on(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct question *q = (struct question *)ctx;
    if (q->park.wake == WAKE_CANCELLED)
        return end(L, q, "interrupted");
    ssize_t n;
    do
        n = read(q->fd, q->answer + q->len, sizeof q->answer - q->len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return end(L, q, strerror(errno));
    if (n == 0) {
        write_all(q->fd, "\n", 1); /* the cursor is still behind the question */
        return end(L, q, "there was no answer");
    }
    q->len += (size_t)n;
    const char *newline = memchr(q->answer, '\n', q->len);
    if (!newline && q->len < sizeof q->answer)
        return wait_for_line(L, q);
    if (newline)
        q->len = (size_t)(newline - q->answer);
    return end(L, q, NULL);
}

static int wait_for_line(lua_State *L, struct question *q)
{
    q->park = (struct park){.cancel = on_cancel};
    q->watch = (struct watch){.fd = q->fd, .events = POLLIN, .ready = on_ready};
    if (!loop_watch(task_loop(), &q->watch))
        return luaL_error(L, "out of memory");
    return task_park(L, &q->park, go_on, (lua_KContext)q);
}

/*
 * terminal.ask(question): the line that is typed, without its newline; nil and why not where there is no terminal, Ctrl-D ends
 * the input, or Ctrl-C came. What was typed before the question was there does not answer it.
 */
static int f_ask(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    task_check_can_wait(L, "asking on the terminal");
    struct buf *clean = lib_new_buffer(L, REDACT_CAP(len));
    redact_append(clean, text, len);
    struct question *q = lua_newuserdatauv(L, sizeof *q, 0);
    *q = (struct question){.fd = -1};
    luaL_setmetatable(L, QUESTION);
    q->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (q->fd < 0) {
        lua_pushnil(L);
        lua_pushliteral(L, "there is no terminal to ask on");
        return 2;
    }
    log_hold_status(true);
    tcflush(q->fd, TCIFLUSH);
    write_all(q->fd, buf_text(clean), clean->len);
    return wait_for_line(L, q);
}

static const luaL_Reg lib[] = {
    {"ask", f_ask},
    {NULL, NULL},
};

int luaopen_moonkey_terminal(lua_State *L)
{
    luaL_newmetatable(L, QUESTION);
    lua_pushcfunction(L, question_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, lib);
    return 1;
}
