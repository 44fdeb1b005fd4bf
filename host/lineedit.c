/* lineedit: see lineedit.h. */
#include "lineedit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lineedit_own.h"
#include "log.h"

static struct lineedit *only;
static int signal_pipe[2] = {-1, -1};

/* ---- what wakes us ---- */

static void wake(struct lineedit *e)
{
    if (e->options.wake)
        e->options.wake(e->options.arg);
}

static void on_input(struct watch *watch, short revents)
{
    struct lineedit *e = (struct lineedit *)((char *)watch - offsetof(struct lineedit, input));
    (void)revents;
    loop_unwatch(e->loop, watch); /* until it is known that more is wanted */
    wake(e);
}

static void on_signal(int signo)
{
    int saved = errno;
    unsigned char byte = (unsigned char)signo;
    ssize_t ignored = write(signal_pipe[1], &byte, 1);
    (void)ignored;
    errno = saved;
}

static void on_signals(struct watch *watch, short revents)
{
    struct lineedit *e = (struct lineedit *)((char *)watch - offsetof(struct lineedit, signals));
    unsigned char signos[16];
    (void)revents;
    ssize_t count = read(watch->fd, signos, sizeof signos);
    for (ssize_t i = 0; i < count; i++)
        *(signos[i] == SIGCONT ? &e->continued : &e->resized) = true;
    if (e->waiting)
        wake(e);
}

/* An editor draws for a terminal of a certain size, in a certain mode; both may change below it. */
static bool catch_signals(struct lineedit *e)
{
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    e->signals = (struct watch){.fd = signal_pipe[0], .events = POLLIN, .ready = on_signals, .background = true};
    if (!loop_watch(e->loop, &e->signals))
        return false;
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    return sigaction(SIGWINCH, &action, NULL) == 0 && sigaction(SIGCONT, &action, NULL) == 0;
}

static void leave_signals(struct lineedit *e)
{
    const struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(SIGWINCH, &action, NULL);
    sigaction(SIGCONT, &action, NULL);
    loop_unwatch(e->loop, &e->signals);
    for (int i = 0; i < 2; i++) {
        if (signal_pipe[i] >= 0)
            close(signal_pipe[i]);
        signal_pipe[i] = -1;
    }
}

/* ---- input ---- */

bool lineedit_read(struct lineedit *e)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&p, 1, 0) <= 0)
        return false;
    e->count -= e->at;
    memmove(e->bytes, e->bytes + e->at, e->count);
    e->at = 0;
    ssize_t n;
    do
        n = read(STDIN_FILENO, e->bytes + e->count, sizeof e->bytes - e->count);
    while (n < 0 && errno == EINTR);
    e->count += n > 0 ? (size_t)n : 0;
    e->ended = n == 0 || (n < 0 && errno == EIO); /* EIO: the terminal is gone */
    return n > 0;
}

bool lineedit_wait(struct lineedit *e)
{
    while (!e->interrupted && !e->options.stopping() && loop_watch(e->loop, &e->input)) {
        loop_step(e->loop, true);
        if (!e->input.slot)
            return true;
    }
    return false;
}

static bool watch_input(struct lineedit *e)
{
    if (e->at == e->count)
        return loop_watch(e->loop, &e->input);
    wake(e); /* there is something already */
    return true;
}

/* ---- plain lines ---- */

static enum lineedit_event finish_plain(struct lineedit *e)
{
    if (!e->discarded)
        return LINEEDIT_LINE;
    e->discarded = false;
    return LINEEDIT_TOO_LONG;
}

/* Bytes up to a newline go to the line. Does that end it? */
static bool take_bytes(struct lineedit *e)
{
    const char *from = e->bytes + e->at;
    size_t left = e->count - e->at;
    const char *newline = memchr(from, '\n', left);
    size_t len = newline ? (size_t)(newline - from) : left;
    if (!e->discarded && buf_append(&e->line, from, len) != BUF_OK) {
        e->discarded = true;
        buf_free(&e->line);
    }
    e->at += len + (newline != NULL);
    return newline != NULL;
}

static enum lineedit_event take_plain(struct lineedit *e)
{
    do
        if (e->at < e->count && take_bytes(e))
            return finish_plain(e);
    while (lineedit_read(e));
    if (e->ended)
        return e->line.len > 0 || e->discarded ? finish_plain(e) : LINEEDIT_END;
    return LINEEDIT_MORE;
}

/* ---- one line ---- */

bool lineedit_begin(struct lineedit *e, const char *prompt)
{
    e->prompt = prompt;
    e->waiting = true;
    e->interrupted = false;
    buf_reset(&e->line);
    if (e->editor) {
        editor_begin(e->editor);
    } else if (e->terminal) {
        fputs(prompt, stdout);
        fflush(stdout);
    }
    return watch_input(e);
}

static void finish(struct lineedit *e)
{
    e->waiting = false;
    loop_unwatch(e->loop, &e->input);
    if (e->editor) {
        editor_end(e->editor);
    } else if (e->terminal && e->interrupted) {
        fputc('\n', stdout);
        fflush(stdout);
    }
}

enum lineedit_event lineedit_go_on(struct lineedit *e)
{
    errno = 0;
    if (e->editor && (e->resized || e->continued))
        editor_adapt(e->editor);
    e->resized = e->continued = false;
    enum lineedit_event event = e->interrupted ? LINEEDIT_INTERRUPTED : e->editor ? editor_take_keys(e->editor) : take_plain(e);
    if (e->interrupted) /* while a key was waited for, too */
        event = LINEEDIT_INTERRUPTED;
    if (event == LINEEDIT_MORE && !loop_watch(e->loop, &e->input)) {
        errno = ENOMEM;
        event = LINEEDIT_FAILED;
    }
    if (event != LINEEDIT_MORE)
        finish(e);
    return event;
}

const char *lineedit_line(const struct lineedit *e, size_t *len)
{
    *len = e->line.len;
    return buf_text(&e->line);
}

void lineedit_abandon(struct lineedit *e)
{
    if (e->waiting)
        finish(e);
}

void lineedit_interrupt(void)
{
    if (!only || !only->waiting)
        return;
    only->interrupted = true;
    only->at = only->count = 0;
    wake(only);
}

/* ---- others write ---- */

void lineedit_hide(struct lineedit *e)
{
    if (e->waiting && e->editor)
        editor_hide(e->editor);
    else if (e->waiting && e->terminal)
        fputc('\n', stdout);
    fflush(stdout);
}

void lineedit_show(struct lineedit *e)
{
    if (e->waiting && e->editor)
        editor_show(e->editor);
    else if (e->waiting && e->terminal)
        fputs(e->prompt, stdout);
    fflush(stdout);
}

static void hide_only(void)
{
    lineedit_hide(only);
}

static void show_only(void)
{
    lineedit_show(only);
}

/* ---- its life ---- */

/* The terminal is to be left as it was, also by os.exit(). */
static void at_exit(void)
{
    if (only && only->waiting && only->editor)
        editor_end(only->editor);
}

bool lineedit_edits(const struct lineedit *e)
{
    return e->editor != NULL;
}

bool lineedit_is_terminal(const struct lineedit *e)
{
    return e->terminal;
}

void lineedit_remember(struct lineedit *e, const char *line)
{
    if (e->editor)
        editor_remember(e->editor, line);
}

struct lineedit *lineedit_new(struct loop *loop, const struct lineedit_options *options)
{
    static bool registered;
    struct lineedit *e = only ? NULL : calloc(1, sizeof *e);
    if (!e)
        return NULL;
    only = e;
    e->loop = loop;
    e->options = *options;
    e->input = (struct watch){.fd = STDIN_FILENO, .events = POLLIN, .ready = on_input};
    buf_init(&e->line, LINEEDIT_LONGEST);
    e->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (e->terminal)
        e->editor = editor_new(e);
    if (e->editor && !catch_signals(e)) {
        lineedit_free(e);
        return NULL;
    }
    if (e->terminal && isatty(STDERR_FILENO))
        log_around(hide_only, show_only);
    if (!registered)
        registered = atexit(at_exit) == 0;
    return e;
}

void lineedit_free(struct lineedit *e)
{
    if (!e)
        return;
    log_around(NULL, NULL);
    lineedit_abandon(e);
    loop_unwatch(e->loop, &e->input);
    if (e->editor) {
        leave_signals(e);
        editor_free(e->editor);
    }
    buf_wipe(&e->line);
    explicit_bzero(e->bytes, sizeof e->bytes);
    only = NULL;
    free(e);
}
