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
    pid_t pid; /* 0: none, or reaped */
    int out;   /* -1: closed */
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

static void run_child(const char **argv, int out, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127); /* it died before we asked to be told */
    signal(SIGINT, SIG_IGN);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

/* process.spawn{ program, argument, … }: the process, or nil and why not. */
static int f_spawn(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const char **argv = read_argv(L, 1);
    struct process *p = lua_newuserdatauv(L, sizeof *p, 0);
    p->pid = 0;
    p->out = -1;
    p->len = 0;
    luaL_setmetatable(L, PROCESS);
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return luaL_fileresult(L, 0, "pipe");
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        run_child(argv, fds[1], self);
    close(fds[1]);
    if (pid < 0) {
        int saved = errno;
        close(fds[0]);
        errno = saved;
        return luaL_fileresult(L, 0, argv[0]);
    }
    p->pid = pid;
    p->out = fds[0];
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
        if (ended < 0 || clock_now() >= until)
            return -1;
        poll(NULL, 0, 5);
    }
}

static int stop(struct process *p, double seconds)
{
    int code = -1;
    if (p->pid > 0) {
        kill(p->pid, SIGTERM);
        code = wait_until(p->pid, clock_now() + (int64_t)(seconds * (double)NS_PER_S));
        if (code < 0) {
            kill(p->pid, SIGKILL);
            code = wait_until(p->pid, INT64_MAX);
        }
        p->pid = 0;
    }
    if (p->out >= 0)
        close(p->out);
    p->out = -1;
    return code;
}

/* p:stop([seconds]): SIGTERM, and SIGKILL after that time (5 s). Its exit status. */
static int f_stop(lua_State *L)
{
    lua_pushinteger(L, stop(luaL_checkudata(L, 1, PROCESS), luaL_optnumber(L, 2, 5)));
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
    {"pid", f_pid},
    {"read_line", f_read_line},
    {"stop", f_stop},
    {NULL, NULL},
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
