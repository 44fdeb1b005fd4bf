/* loop: see loop.h. Timers stand in a binary heap; a timer's slot is its place there, from 1. */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "limit.h"
#include "log.h"

enum {
    LONGEST_WAIT_MS = 60 * 1000,
    SIGINT_GRACE_S = 1, /* that the program may be busy with itself once there was a signal */
    SIGTERM_GRACE_S = 5,
};

struct loop {
    CURLM *multi;
    unsigned transfers;
    struct timer **heap; /* heap[1] is the earliest; heap[0] is unused */
    size_t timers, heap_size;
    struct watch **watches; /* watches[slot - 1] */
    struct curl_waitfd *waits;
    size_t watch_count, watch_size, foreground;
    void (*notify)(int signo, void *arg);
    void *notify_arg;
    struct watch signal_watch;
};

static int signal_pipe[2] = {-1, -1};
static void (*take_interrupt)(unsigned times);
static volatile sig_atomic_t interrupts, last_signal, unnoticed; /* how many SIGINT; 0, or a signal that waits to be noticed */

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    loop->multi = curl_multi_init();
    if (!loop->multi) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    /* Signals stay caught: the program is at its end, and only a second SIGINT cuts that short. */
    if (loop->signal_watch.slot) {
        int ends[] = {signal_pipe[0], signal_pipe[1]};
        signal_pipe[0] = signal_pipe[1] = -1;
        close(ends[0]);
        close(ends[1]);
        alarm(0);
    }
    curl_multi_cleanup(loop->multi);
    free(loop->heap);
    free(loop->watches);
    free(loop->waits);
    free(loop);
}

CURLM *loop_multi(struct loop *loop)
{
    return loop->multi;
}

int loop_transfer_add(struct loop *loop, CURL *easy, struct loop_transfer *transfer)
{
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    CURLMcode code = curl_multi_add_handle(loop->multi, easy);
    if (code == CURLM_OK)
        loop->transfers++;
    return (int)code;
}

void loop_transfer_remove(struct loop *loop, CURL *easy)
{
    if (curl_multi_remove_handle(loop->multi, easy) == CURLM_OK)
        loop->transfers--;
}

/* ---- timers ---- */

static void heap_put(struct loop *loop, size_t slot, struct timer *timer)
{
    loop->heap[slot] = timer;
    timer->slot = slot;
}

static void heap_rise(struct loop *loop, size_t slot, struct timer *timer)
{
    for (; slot > 1 && loop->heap[slot / 2]->due > timer->due; slot /= 2)
        heap_put(loop, slot, loop->heap[slot / 2]);
    heap_put(loop, slot, timer);
}

static void heap_sink(struct loop *loop, size_t slot, struct timer *timer)
{
    for (size_t child; (child = slot * 2) <= loop->timers; slot = child) {
        if (child < loop->timers && loop->heap[child + 1]->due < loop->heap[child]->due)
            child++;
        if (loop->heap[child]->due >= timer->due)
            break;
        heap_put(loop, slot, loop->heap[child]);
    }
    heap_put(loop, slot, timer);
}

bool loop_timer_start(struct loop *loop, struct timer *timer, int64_t due)
{
    loop_timer_stop(loop, timer);
    if (loop->timers + 1 >= loop->heap_size) {
        size_t size = loop->heap_size ? loop->heap_size * 2 : 64;
        struct timer **heap = realloc(loop->heap, size * sizeof *heap);
        if (!heap)
            return false;
        loop->heap = heap;
        loop->heap_size = size;
    }
    timer->due = due;
    heap_rise(loop, ++loop->timers, timer);
    return true;
}

void loop_timer_stop(struct loop *loop, struct timer *timer)
{
    size_t slot = timer->slot;
    if (!slot)
        return;
    timer->slot = 0;
    struct timer *last = loop->heap[loop->timers--];
    if (last == timer)
        return;
    heap_sink(loop, slot, last);
    heap_rise(loop, last->slot, last);
}

static void fire_timers(struct loop *loop)
{
    int64_t now = loop->timers ? clock_now() : 0;
    while (loop->timers && loop->heap[1]->due <= now) {
        struct timer *timer = loop->heap[1];
        loop_timer_stop(loop, timer);
        timer->fire(timer);
    }
}

/* Milliseconds until the next timer, rounded up so that it is due when poll returns. */
static int wait_ms(const struct loop *loop)
{
    if (!loop->timers)
        return LONGEST_WAIT_MS;
    int64_t left = loop->heap[1]->due - clock_now();
    if (left <= 0)
        return 0;
    int64_t ms = (left + NS_PER_MS - 1) / NS_PER_MS;
    return ms < LONGEST_WAIT_MS ? (int)ms : LONGEST_WAIT_MS;
}

/* ---- descriptors ---- */

bool loop_watch(struct loop *loop, struct watch *watch)
{
    if (watch->slot)
        return true;
    if (loop->watch_count == loop->watch_size) {
        size_t size = loop->watch_size ? loop->watch_size * 2 : 8;
        struct watch **watches = realloc(loop->watches, size * sizeof *watches);
        if (watches)
            loop->watches = watches;
        struct curl_waitfd *waits = realloc(loop->waits, size * sizeof *waits);
        if (waits)
            loop->waits = waits;
        if (!watches || !waits)
            return false;
        loop->watch_size = size;
    }
    loop->watches[loop->watch_count++] = watch;
    watch->slot = loop->watch_count;
    loop->foreground += !watch->background;
    return true;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
    if (!watch->slot)
        return;
    struct watch *last = loop->watches[--loop->watch_count];
    loop->watches[watch->slot - 1] = last;
    last->slot = watch->slot;
    watch->slot = 0;
    loop->foreground -= !watch->background;
}

static void fill_waits(struct loop *loop)
{
    for (size_t i = 0; i < loop->watch_count; i++) {
        short events = loop->watches[i]->events;
        loop->waits[i] = (struct curl_waitfd){
            .fd = loop->watches[i]->fd,
            .events = (short)((events & POLLIN ? CURL_WAIT_POLLIN : 0) | (events & POLLOUT ? CURL_WAIT_POLLOUT : 0)),
        };
    }
}

/*
 * curl_multi_poll reports only the events that were asked for, so a closed peer (POLLHUP) would never be told: ask the system
 * again, for our few descriptors. Each watch is looked up anew, since a callback may remove others.
 */
static void notify_watches(struct loop *loop)
{
    for (size_t i = loop->watch_count; i-- > 0;) {
        if (i >= loop->watch_count)
            continue;
        struct watch *watch = loop->watches[i];
        struct pollfd p = {.fd = watch->fd, .events = watch->events};
        if (poll(&p, 1, 0) > 0 && p.revents)
            watch->ready(watch, p.revents);
    }
}

/* ---- signals ---- */

/* From now on somebody has to come to loop_step() in time. */
static void expect_step(void)
{
    if (last_signal)
        alarm(last_signal == SIGINT ? SIGINT_GRACE_S : SIGTERM_GRACE_S);
}

static void on_signal(int signo)
{
    int saved = errno;
    if (signo == SIGINT && ++interrupts > (take_interrupt ? 2 : 1))
        _exit(130);
    unsigned char byte = (unsigned char)signo;
    ssize_t ignored = write(signal_pipe[1], &byte, 1);
    (void)ignored;
    if (signo == SIGINT && take_interrupt) {
        take_interrupt((unsigned)interrupts);
    } else {
        unnoticed = last_signal = signo;
        expect_step();
    }
    errno = saved;
}

static void on_no_step(int signo)
{
    int saved = errno;
    (void)signo;
    if (last_signal == SIGTERM)
        _exit(143);
    if (limits_interrupt_running())
        alarm(SIGINT_GRACE_S);
    else
        log_from_handler(LOG_WARN, "busy, and not stopping by itself: Ctrl-C again leaves at once");
    errno = saved;
}

static void signal_ready(struct watch *watch, short revents)
{
    (void)revents;
    struct loop *loop = (struct loop *)((char *)watch - offsetof(struct loop, signal_watch));
    unsigned char signos[16];
    ssize_t count = read(watch->fd, signos, sizeof signos);
    unnoticed = 0; /* after the read: one that comes only now is in the pipe */
    if (take_interrupt)
        interrupts = 0;
    for (ssize_t i = 0; i < count; i++)
        loop->notify(signos[i], loop->notify_arg);
}

void loop_take_interrupts(void (*at_once)(unsigned times))
{
    take_interrupt = at_once;
}

int loop_signalled(void)
{
    return unnoticed;
}

/* A signal that was ignored when the program started stays ignored: that is how nohup and a parent's Ctrl-C are kept away. */
static void catch_unless_ignored(int signo)
{
    struct sigaction old, action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (sigaction(signo, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(signo, &action, NULL);
}

void loop_catch_signals(struct loop *loop, void (*notify)(int signo, void *arg), void *arg)
{
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return; /* the default action stays: the program ends */
    loop->notify = notify;
    loop->notify_arg = arg;
    loop->signal_watch = (struct watch){.fd = signal_pipe[0], .events = POLLIN, .ready = signal_ready, .background = true};
    loop_watch(loop, &loop->signal_watch);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_no_step, .sa_flags = SA_RESTART}, NULL);
    catch_unless_ignored(SIGINT);
    catch_unless_ignored(SIGTERM);
}

/* ---- one step ---- */

bool loop_busy(const struct loop *loop)
{
    return loop->timers || loop->foreground || loop->transfers;
}

static void drain_transfers(struct loop *loop)
{
    int left;
    curl_multi_perform(loop->multi, &left);
    CURLMsg *message;
    while ((message = curl_multi_info_read(loop->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        struct loop_transfer *transfer;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
        loop_transfer_remove(loop, easy); /* `message` is gone after this */
        transfer->finished(transfer, code);
    }
}

void loop_step(struct loop *loop, bool block)
{
    int ready = 0;
    if (last_signal)
        alarm(0);
    fill_waits(loop);
    curl_multi_poll(loop->multi, loop->waits, (unsigned)loop->watch_count, block ? wait_ms(loop) : 0, &ready);
    if (loop->transfers)
        drain_transfers(loop);
    notify_watches(loop);
    fire_timers(loop);
    expect_step();
}
