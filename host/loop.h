/*
 * loop: the one place that waits. Drives libcurl's multi interface, timers, further descriptors and signals.
 *
 * Nothing here knows Lua. Callbacks run inside loop_step() and must only record and queue: whoever is to go on runs after
 * loop_step() has returned.
 *
 * Ownership: timers and watches belong to the caller, usually embedded in a larger struct; the loop keeps pointers to them
 * only between start and stop.
 */
#ifndef MOONKEY_LOOP_H
#define MOONKEY_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

struct timer {
    int64_t due; /* clock_now() at or after which it fires */
    void (*fire)(struct timer *timer);
    size_t slot; /* the loop's: 0 while it is not running */
};

struct watch {
    int fd;
    short events; /* POLLIN, POLLOUT */
    void (*ready)(struct watch *watch, short revents);
    bool background; /* does not keep the program alive by itself */
    size_t slot;     /* the loop's: 0 while it is not registered */
};

/* NULL when memory or descriptors ran out. One loop a process, because signals are the process's. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* The multi handle. Whoever adds an easy handle sets its CURLOPT_PRIVATE to a `struct loop_transfer *`. */
CURLM *loop_multi(struct loop *loop);

struct loop_transfer {
    void (*finished)(struct loop_transfer *transfer, CURLcode code);
};
/* 0, or a CURLMcode. The count of running transfers tells loop_busy() that there is something to wait for. */
int loop_transfer_add(struct loop *loop, CURL *easy, struct loop_transfer *transfer);
void loop_transfer_remove(struct loop *loop, CURL *easy);

/* Starting a running timer moves it. False when memory ran out. A timer fires once. */
bool loop_timer_start(struct loop *loop, struct timer *timer, int64_t due);
void loop_timer_stop(struct loop *loop, struct timer *timer);

/* False when memory ran out. Level-triggered: `ready` is called in each step in which the descriptor is ready. */
bool loop_watch(struct loop *loop, struct watch *watch);
void loop_unwatch(struct loop *loop, struct watch *watch);

/*
 * SIGINT and SIGTERM: `notify` is called from loop_step() with the signal's number. A second SIGINT ends the process at once
 * with status 130, from within the signal handler, because the program may be stuck. When nobody comes to loop_step() for a
 * while once there was a signal, because a script is busy with itself, a warning says so, or after SIGTERM the process ends
 * with status 143.
 */
void loop_catch_signals(struct loop *loop, void (*notify)(int signo, void *arg), void *arg);

/*
 * From now on SIGINT is no reason to end: `at_once` is called in the signal handler, with how many of them have come since the
 * last loop_step(), and `notify` as ever. The third ends the process with status 130, because the program is stuck.
 */
void loop_take_interrupts(void (*at_once)(unsigned times));

/* A signal that `notify` has not been told of yet, or 0. */
int loop_signalled(void);

/* Is anything left that could happen: a timer, a watch that is not in the background, a transfer? */
bool loop_busy(const struct loop *loop);

/* Drain what is ready; with `block`, first wait until something is. */
void loop_step(struct loop *loop, bool block);

#endif
