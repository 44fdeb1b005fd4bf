/*
 * main: the order of start-up, and the exit code.
 *
 * All policy is in lua/moonkey/cli: the program is one task that calls require("moonkey.cli").main(arg…) and ends when it, and
 * all that it started, has ended.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/control.h"
#include "lib/redis_password.h"
#include "lib/redis_places.h"
#include "lib/session.h"
#include "limit.h"
#include "log.h"
#include "loop.h"
#include "redact.h"
#include "secret.h"
#include "state.h"
#include "task.h"

enum { EXIT_SCRIPT = 1 };

struct program {
    int argc;
    char **argv;
    struct loop *loop;
    int exit_code;
};

static void on_signal(int signo, void *arg)
{
    (void)arg;
    if (signo == SIGINT && session_takes_interrupt())
        return;
    if (control_stop_all("not sent: the program is stopping"))
        log_write(LOG_WARN, "stopping: finishing what is in flight%s", signo == SIGINT ? " (Ctrl-C again leaves at once)" : "");
    task_interrupt(signo);
}

/* moonkey.cli.main returns the exit code; the host keeps it until the last task has ended. */
static int finish_main(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    ((struct program *)ctx)->exit_code = (int)lua_tointeger(L, -1);
    return 0;
}

static int run_main(lua_State *L)
{
    struct program *p = lua_touserdata(L, lua_upvalueindex(1));
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonkey.cli");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    luaL_checkstack(L, p->argc + 1, "too many arguments");
    for (int i = 0; i < p->argc; i++)
        lua_pushstring(L, p->argv[i]);
    lua_callk(L, p->argc, 1, (lua_KContext)p, finish_main);
    return finish_main(L, LUA_OK, (lua_KContext)p);
}

/* Protected: running out of memory, wherever it happens, ends here. */
static int protected_main(lua_State *L)
{
    struct program *p = lua_touserdata(L, 1);
    task_open(L, p->loop);
    loop_catch_signals(p->loop, on_signal, NULL);
    lua_pushlightuserdata(L, p);
    lua_pushcclosure(L, run_main, 1);
    task_spawn(L, 0);
    lua_pop(L, 1);
    p->exit_code = EXIT_SCRIPT;
    if (task_run(L) > 0 && p->exit_code == EXIT_SUCCESS)
        p->exit_code = EXIT_SCRIPT;
    return 0;
}

static int run(struct program *p)
{
    lua_State *L = state_new();
    if (!L)
        return EXIT_SCRIPT;
    lua_pushcfunction(L, protected_main);
    lua_pushlightuserdata(L, p);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        log_write(LOG_ERROR, "%s", lua_tostring(L, -1));
        p->exit_code = EXIT_SCRIPT;
    }
    limits_enter(limits_script(), L); /* finalizers are the script's, too */
    lua_close(L);
    limits_leave();
    limits_end();
    return p->exit_code;
}

/* It is an error of the write. Not ignored altogether, because the programs that we start would go on ignoring it. */
static void on_closed_pipe(int signo)
{
    (void)signo;
}

/* A stream that whoever started us has closed: its number would go to the next file or connection that is opened, and what is
   printed, a secret even, into that. What stands there instead fails when it is used. */
static bool fill_closed_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
            continue;
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    }
    return true;
}

/* Has whoever reads from standard output gone away (moonkey x.lua | head)? */
static bool reader_is_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

/* The exit code, when what was printed is not all with its reader. */
static int finish_output(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (code != EXIT_SUCCESS)
        return code;
    if (reader_is_gone())
        return 128 + SIGPIPE; /* as a program that the signal ends: the reader has seen enough */
    log_write(LOG_ERROR, "cannot write to standard output");
    return EXIT_SCRIPT;
}

/* libcurl does not look whether OpenSSL has what it needs; without it, the first use of TLS would crash. */
static bool set_up_libraries(void)
{
    return OPENSSL_init_ssl(0, NULL) == 1 && OSSL_LIB_CTX_get0_global_default() &&
           curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

int main(int argc, char **argv)
{
    struct program p = {.argc = argc, .argv = argv, .exit_code = EXIT_SCRIPT};
    if (!fill_closed_streams())
        return EXIT_SCRIPT; /* where nothing can be said */
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = on_closed_pipe, .sa_flags = SA_RESTART}, NULL);
    secret_protect_process();
    control_take_environment();
    redis_password_take_environment();
    int code = EXIT_SCRIPT;
    if (set_up_libraries() && (p.loop = loop_new()))
        code = run(&p);
    else
        log_write(LOG_ERROR, "cannot start: libcurl or OpenSSL could not be set up (out of memory or file descriptors)");
    log_status(NULL);
    control_close(); /* after Lua: bindings have let go of calls, timers and watches */
    redis_password_forget();
    redis_places_forget();
    loop_free(p.loop);
    curl_global_cleanup();
    redact_forget_all();
    return finish_output(code);
}
