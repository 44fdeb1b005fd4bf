/*
 * moonkey.process: a child of our own, such as the emulator.
 *
 * It reads nothing, we read its standard output, and it dies with us. Ctrl-C in the terminal reaches the whole process group;
 * the child ignores it, because it is ours to stop once the last request has been answered.
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../clock.h"
#include "../task.h"
#include "lib.h"

static const char PROCESS[] = "moonkey.process";

enum { LINE_MAX_BYTES = 8192 };

struct process {
    pid_t pid;    /* 0: none, or reaped */
    int out;      /* -1: closed */
    int lifeline; /* -1: closed */
    int code;     /* how it ended; -1: it has not, or nobody knows */
    size_t len;
    char line[LINE_MAX_BYTES];
};

static const char **read_argv(lua_State *L, int index)
{
    lua_Integer count = luaL_len(L, index);
    luaL_argcheck(L, count >= 1, index, "expected a list of program and arguments");
    const char **argv = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *argv, 0);
    for (lua_Integer i = 0; i < count; i++) {
        lua_geti(L, index, i + 1);
        argv[i] = lua_tostring(L, -1);
        luaL_argcheck(L, argv[i], index, "expected a list of strings");
        lua_pop(L, 1); /* the table keeps the string */
    }
    argv[count] = NULL;
    return argv;
}

/* Is `entry`, NAME=value, of the variable `name`? A name that ends with * stands for all that begin so. */
static bool is_of(const char *entry, const char *name)
{
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == '*')
        return strncmp(entry, name, len - 1) == 0;
    return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

/* Is the variable of `entry` one of the keys of the table at `index`? */
static bool is_changed(lua_State *L, int index, const char *entry)
{
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING && is_of(entry, lua_tostring(L, -2))) {
            lua_pop(L, 2);
            return true;
        }
    }
    return false;
}

/* Our environment with the changes of the table at `index`: NAME = value, or false for none. Both are kept by what is pushed.
 */
static const char **read_environment(lua_State *L, int index)
{
    size_t count = 1, kept = 0;
    for (char **entry = environ; *entry; entry++)
        count++;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        count++;
    const char **changed = lua_newuserdatauv(L, count * sizeof *changed, 0);
    for (char **entry = environ; *entry; entry++)
        if (!is_changed(L, index, *entry))
            changed[kept++] = *entry;
    lua_newtable(L); /* the new ones */
    lua_Integer made = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (!lua_toboolean(L, -1))
            continue;
        changed[kept++] = lua_pushfstring(L, "%s=%s", luaL_checkstring(L, -2), luaL_checkstring(L, -1));
        lua_rawseti(L, -4, ++made);
    }
    changed[kept] = NULL;
    return changed;
}

/* How a child is to be started. */
struct start {
    const char **argv, **environment; /* environment NULL: ours */
    int out;                          /* -1: ours */
    int lifeline;
    bool errors_too; /* standard error goes where standard output goes */
};

/* From now on the kernel sends this process SIGTERM once the other end of the pipe is closed. Who is in jail (host/jail.h) can
 * send no signals any more, but close what is its own. */
static void hold_lifeline(int fd)
{
    fcntl(fd, F_SETOWN, getpid());
    fcntl(fd, F_SETSIG, SIGTERM);
    fcntl(fd, F_SETFL, O_ASYNC);
    fcntl(fd, F_SETFD, 0); /* for as long as it lives */
}

static void run_child(const struct start *start, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    hold_lifeline(start->lifeline);
    if (getppid() != parent)
        _exit(127); /* it died before we asked to be told */
    signal(SIGINT, SIG_IGN);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    if (start->out >= 0)
        dup2(start->out, STDOUT_FILENO);
    if (start->errors_too)
        dup2(start->out, STDERR_FILENO);
    execvpe(start->argv[0], (char *const *)start->argv, start->environment ? (char *const *)start->environment : environ);
    _exit(127);
}

/* Where a child writes, by the option `output`: nil is a pipe, of which fds[0] is our side; "inherit" is where we write; all
 * else the name of a file, for its owner only, which it writes its errors to as well. fds are -1 where there is nothing to
 * close. */
static bool open_output(const char *output, int fds[2])
{
    fds[0] = fds[1] = -1;
    if (!output)
        return pipe2(fds, O_CLOEXEC) == 0;
    if (strcmp(output, "inherit") == 0)
        return true;
    fds[1] = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return fds[1] >= 0;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* process.spawn({ program, argument, … }, { environment = { NAME = value or false }, output = … }): the process, or nil and why
 * not. The options may be left out. */
static int f_spawn(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    struct start start = {.argv = read_argv(L, 1)};
    const char *output = NULL;
    if (!lua_isnil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        lua_getfield(L, 2, "output"); /* the table keeps the string */
        output = luaL_optstring(L, -1, NULL);
        if (lua_getfield(L, 2, "environment") == LUA_TTABLE)
            start.environment = read_environment(L, lua_gettop(L));
    }
    struct process *p = lua_newuserdatauv(L, sizeof *p, 0);
    p->pid = 0;
    p->out = p->lifeline = p->code = -1;
    p->len = 0;
    luaL_setmetatable(L, PROCESS);
    int fds[2], lifeline[2];
    if (!open_output(output, fds))
        return luaL_fileresult(L, 0, output ? output : "pipe");
    if (pipe2(lifeline, O_CLOEXEC) != 0) {
        close_if_open(fds[0]);
        close_if_open(fds[1]);
        return luaL_fileresult(L, 0, "pipe");
    }
    start.lifeline = lifeline[0];
    start.out = fds[1];
    start.errors_too = output && fds[1] >= 0;
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        run_child(&start, self);
    int saved = errno;
    close_if_open(fds[1]);
    close(lifeline[0]);
    if (pid < 0) {
        close_if_open(fds[0]);
        close(lifeline[1]);
        errno = saved;
        return luaL_fileresult(L, 0, start.argv[0]);
    }
    p->pid = pid;
    p->out = fds[0];
    p->lifeline = lifeline[1];
    return 1;
}

static int push_line(lua_State *L, struct process *p)
{
    char *end = memchr(p->line, '\n', p->len);
    if (!end)
        return 0;
    size_t len = (size_t)(end - p->line);
    lua_pushlstring(L, p->line, len);
    p->len -= len + 1;
    memmove(p->line, end + 1, p->len);
    return 1;
}

/* p:read_line(seconds): a line of its output without the newline, or nil and why not. Blocks: for the first lines at start
 * only. */
static int f_read_line(lua_State *L)
{
    struct process *p = luaL_checkudata(L, 1, PROCESS);
    int64_t until = clock_now() + (int64_t)(luaL_optnumber(L, 2, 10) * (double)NS_PER_S);
    const char *why = "it said nothing in time";
    while (!push_line(L, p)) {
        struct pollfd wait = {.fd = p->out, .events = POLLIN};
        int64_t left = (until - clock_now()) / NS_PER_MS;
        if (left <= 0 || task_interrupted() || p->len == sizeof p->line || p->out < 0) {
            lua_pushnil(L);
            lua_pushstring(L, why);
            return 2;
        }
        if (poll(&wait, 1, (int)left) <= 0)
            continue;
        ssize_t n = read(p->out, p->line + p->len, sizeof p->line - p->len);
        if (n <= 0) {
            lua_pushnil(L);
            lua_pushliteral(L, "it ended");
            return 2;
        }
        p->len += (size_t)n;
    }
    return 1;
}

static int wait_until(pid_t pid, int64_t until)
{
    for (;;) {
        int status;
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (ended < 0 || !until || clock_now() >= until)
            return -1;
        poll(NULL, 0, 5);
    }
}

static void close_lifeline(struct process *p)
{
    close_if_open(p->lifeline);
    p->lifeline = -1;
}

static int stop(struct process *p, double seconds)
{
    int code = p->code;
    if (p->pid > 0) {
        if (kill(p->pid, SIGTERM) != 0)
            close_lifeline(p);
        code = wait_until(p->pid, clock_now() + (int64_t)(seconds * (double)NS_PER_S));
        if (code < 0 && kill(p->pid, SIGKILL) == 0)
            code = wait_until(p->pid, INT64_MAX);
        p->pid = 0;
        p->code = code;
    }
    close_lifeline(p);
    close_if_open(p->out);
    p->out = -1;
    return code;
}

/* p:stop([seconds]): SIGTERM, and SIGKILL after that time (5 s). Its exit status. */
static int f_stop(lua_State *L)
{
    lua_pushinteger(L, stop(luaL_checkudata(L, 1, PROCESS), luaL_optnumber(L, 2, 5)));
    return 1;
}

/* p:ended(): its exit status, 128 and more for a signal, once it has ended; nil before. */
static int f_ended(lua_State *L)
{
    struct process *p = luaL_checkudata(L, 1, PROCESS);
    if (p->pid > 0 && (p->code = wait_until(p->pid, 0)) >= 0)
        p->pid = 0;
    if (p->code >= 0)
        lua_pushinteger(L, p->code);
    else
        lua_pushnil(L);
    return 1;
}

static int f_pid(lua_State *L)
{
    lua_pushinteger(L, ((struct process *)luaL_checkudata(L, 1, PROCESS))->pid);
    return 1;
}

static int f_gc(lua_State *L)
{
    stop(lua_touserdata(L, 1), 5);
    return 0;
}

static const luaL_Reg methods[] = {
    {"ended", f_ended}, {"pid", f_pid}, {"read_line", f_read_line}, {"stop", f_stop}, {NULL, NULL},
};

static const luaL_Reg lib[] = {
    {"spawn", f_spawn},
    {NULL, NULL},
};

int luaopen_moonkey_process(lua_State *L)
{
    luaL_newmetatable(L, PROCESS);
    lua_pushcfunction(L, f_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, lib);
    return 1;
}
