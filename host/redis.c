/* redis: see redis.h. */
#include "redis.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "redact.h"

struct redis_call {
    struct redis_call *next;
    char *bytes; /* wiped when they are sent: a password may be among them */
    size_t len, sent;
    char name[32]; /* of the command */
    int64_t timeout;
    void (*done)(redisReply *reply, bool sent, void *arg); /* NULL: nobody waits for it */
    void *arg;
};

struct redis {
    struct loop *loop;
    struct link *link; /* NULL once it has ended */
    struct redis_reader reader;
    struct redis_call *first, **end; /* those that wait for their answer, in its order */
    struct redis_call *unsent;       /* the first of them that is not sent whole */
    struct timer timer;              /* of the first */
    const struct secret *password;
    char *user;
    int db;
    int64_t timeout;
    enum redis_state state;
    bool is_plain; /* without TLS */
    char text[700];
    void (*opened)(void *arg);
    void *arg;
};

/* ---- calls ---- */

static void free_call(struct redis_call *call)
{
    if (call->bytes) {
        explicit_bzero(call->bytes, call->len);
        redisFreeCommand(call->bytes);
    }
    free(call);
}

static void sent_whole(struct redis *r)
{
    struct redis_call *call = r->unsent;
    explicit_bzero(call->bytes, call->len);
    redisFreeCommand(call->bytes);
    call->bytes = NULL;
    r->unsent = call->next;
}

static void free_calls(struct redis_call *call)
{
    for (struct redis_call *next; call; call = next) {
        next = call->next;
        free_call(call);
    }
}

static struct redis_call *take_calls(struct redis *r)
{
    struct redis_call *first = r->first;
    r->first = r->unsent = NULL;
    r->end = &r->first;
    return first;
}

/* ---- its end ---- */

/* Words of the server may be in it: they are masked whole and then cut, since half a secret might not be known for one. */
__attribute__((format(printf, 2, 3))) static void say(struct redis *r, const char *format, ...)
{
    char *text;
    struct buf clean;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    buf_init(&clean, REDACT_CAP((size_t)(len > 0 ? len : 0)));
    if (len >= 0) {
        redact_append(&clean, text, (size_t)len);
        explicit_bzero(text, (size_t)len);
        free(text);
    }
    snprintf(r->text, sizeof r->text, "%s", len < 0 ? "memory ran out" : buf_text(&clean));
    buf_wipe(&clean);
}

static void tell_opened(struct redis *r)
{
    void (*opened)(void *) = r->opened;
    r->opened = NULL;
    r->password = NULL;
    if (opened)
        opened(r->arg);
}

/* What is said about it stands in r->text. */
static void end(struct redis *r, enum redis_state state)
{
    if (!r->link)
        return;
    r->state = state;
    loop_timer_stop(r->loop, &r->timer);
    link_free(r->link);
    r->link = NULL;
    struct redis_call *calls = take_calls(r);
    for (struct redis_call *call = calls; call; call = call->next)
        if (call->done)
            call->done(NULL, call->sent > 0, call->arg);
    free_calls(calls);
    tell_opened(r);
}

static void end_by_link(struct redis *r, enum redis_state state)
{
    bool unanswered = r->is_plain && r->state == REDIS_OPENING && r->first;
    say(r, "%s%s", link_failure_text(r->link), unanswered ? "; where TLS is expected, the address begins with rediss://" : "");
    end(r, link_failure(r->link) == FAILURE_CERTIFICATE ? REDIS_CERTIFICATE : state);
}

static enum redis_state ended(const struct redis *r)
{
    return r->state == REDIS_OPENING ? REDIS_UNREACHABLE : REDIS_LOST;
}

static void on_time_over(struct timer *timer)
{
    struct redis *r = (struct redis *)((char *)timer - offsetof(struct redis, timer));
    say(r, "no answer to %s within %g s", r->first->name, (double)r->first->timeout / (double)NS_PER_S);
    end(r, ended(r));
}

/* ---- the way of commands and answers ---- */

/* The time of a command begins when it is the first. */
static bool start_timer(struct redis *r)
{
    if (!r->first)
        loop_timer_stop(r->loop, &r->timer);
    return !r->first || loop_timer_start(r->loop, &r->timer, clock_now() + r->first->timeout);
}

static bool send_some(struct redis *r)
{
    while (r->unsent) {
        struct redis_call *call = r->unsent;
        size_t count = 0;
        enum link_io io = link_send(r->link, call->bytes + call->sent, call->len - call->sent, &count);
        if (io != LINK_OK)
            return io == LINK_AGAIN;
        call->sent += count;
        if (call->sent == call->len)
            sent_whole(r);
    }
    link_want_to_send(r->link, false);
    return true;
}

static bool is_error(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR;
}

static bool deliver(struct redis *r, redisReply *reply)
{
    struct redis_call *call = r->first;
    if (!call || call == r->unsent) {
        say(r, "an answer came to nothing that was asked%s%s", is_error(reply) ? ": " : "", is_error(reply) ? reply->str : "");
        freeReplyObject(reply);
        return false;
    }
    r->first = call->next;
    if (!r->first)
        r->end = &r->first;
    bool timed = start_timer(r);
    if (call->done)
        call->done(reply, true, call->arg);
    else
        freeReplyObject(reply);
    free_call(call);
    if (!timed)
        say(r, "memory ran out");
    return timed;
}

/* False: it has ended, or is to end for the reason that was said. */
static bool take_bytes(struct redis *r, const char *bytes, size_t len)
{
    const char *why;
    redisReply *reply = NULL;
    bool well = redis_reader_feed(&r->reader, bytes, len, &why);
    while (well && (well = redis_reader_next(&r->reader, &reply, &why)) && reply) {
        if (!deliver(r, reply))
            return false;
        if (!r->link)
            return false;
    }
    if (!well)
        say(r, "%s", why);
    return well;
}

static void on_ready(void *arg)
{
    struct redis *r = arg;
    char bytes[16 << 10];
    size_t count = 0;
    enum link_io io = send_some(r) ? LINK_OK : LINK_BROKEN;
    while (io == LINK_OK && (io = link_receive(r->link, bytes, sizeof bytes, &count)) == LINK_OK)
        if (!take_bytes(r, bytes, count)) {
            end(r, ended(r)); /* nothing, if it has ended */
            return;
        }
    if (io == LINK_BROKEN)
        end_by_link(r, ended(r));
}

/* hiredis adds the lengths up in an int. */
static bool fits(int argc, const char **argv, const size_t *lengths)
{
    size_t left = REDIS_MOST_BYTES;
    for (int i = 0; i < argc; i++) {
        size_t len = lengths ? lengths[i] : strlen(argv[i]);
        if (len > left)
            return false;
        left -= len;
    }
    return true;
}

struct redis_call *redis_call(struct redis *r, int argc, const char **argv, const size_t *lengths, int64_t timeout,
                              void (*done)(redisReply *reply, bool sent, void *arg), void *arg)
{
    struct redis_call *call = fits(argc, argv, lengths) ? calloc(1, sizeof *call) : NULL;
    int len = call ? redisFormatCommandArgv(&call->bytes, argc, argv, lengths) : -1;
    if (len < 0) {
        free(call);
        return NULL;
    }
    call->len = (size_t)len;
    call->timeout = timeout;
    call->done = done;
    call->arg = arg;
    snprintf(call->name, sizeof call->name, "%s", argv[0]);
    *r->end = call;
    if (r->first == call && !start_timer(r)) {
        *r->end = NULL;
        free_call(call);
        return NULL;
    }
    r->end = &call->next;
    if (!r->unsent)
        r->unsent = call;
    link_want_to_send(r->link, true);
    return call;
}

void redis_forget(struct redis_call *call)
{
    call->done = NULL;
}

/* ---- the login ---- */

static void on_authenticated(redisReply *reply, bool sent, void *arg)
{
    (void)sent;
    struct redis *r = arg;
    if (!reply)
        return; /* it has ended */
    if (is_error(reply)) {
        say(r, "%s", reply->str);
        end(r, REDIS_REFUSED);
    }
    freeReplyObject(reply);
}

/* A user that may not SELECT is where it begins: in database 0. */
static void on_selected(redisReply *reply, bool sent, void *arg)
{
    (void)sent;
    struct redis *r = arg;
    if (!reply)
        return;
    if (is_error(reply) && (r->db != 0 || strncmp(reply->str, "NOPERM", 6) != 0)) {
        say(r, "%s", reply->str);
        end(r, REDIS_REFUSED);
    } else {
        r->state = REDIS_OPEN;
        tell_opened(r);
    }
    freeReplyObject(reply);
}

static bool ask_for_login(struct redis *r)
{
    char db[16];
    const char *select[] = {"SELECT", db};
    const char *auth[] = {"AUTH", r->user, r->password ? secret_value(r->password) : ""};
    snprintf(db, sizeof db, "%d", r->db);
    if (!r->user)
        auth[1] = auth[2];
    if (r->password && !redis_call(r, r->user ? 3 : 2, auth, NULL, r->timeout, on_authenticated, r))
        return false;
    return redis_call(r, 2, select, NULL, r->timeout, on_selected, r) != NULL;
}

static void on_connected(void *arg, bool well)
{
    struct redis *r = arg;
    if (!well) {
        end_by_link(r, REDIS_UNREACHABLE);
    } else if (!ask_for_login(r)) {
        say(r, "memory ran out");
        end(r, REDIS_UNREACHABLE);
    }
}

struct redis *redis_open(struct loop *loop, const struct redis_options *options, void (*opened)(void *arg), void *arg)
{
    struct redis *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->loop = loop;
    r->end = &r->first;
    r->timer.fire = on_time_over;
    r->password = options->password;
    r->user = options->user ? strdup(options->user) : NULL;
    r->db = options->db;
    r->is_plain = !options->link.tls;
    r->timeout = options->timeout;
    r->opened = opened;
    r->arg = arg;
    if ((r->user || !options->user) && redis_reader_init(&r->reader))
        r->link = link_open(loop, &options->link, &(struct link_owner){on_connected, on_ready, r});
    if (r->link)
        return r;
    redis_free(r);
    return NULL;
}

enum redis_state redis_state(const struct redis *redis)
{
    return redis->state;
}

const char *redis_text(const struct redis *redis)
{
    return redis->text;
}

void redis_close(struct redis *r, const char *why)
{
    if (!r->link)
        return;
    say(r, "%s", why);
    end(r, REDIS_CLOSED);
}

void redis_free(struct redis *r)
{
    if (!r)
        return;
    loop_timer_stop(r->loop, &r->timer);
    link_free(r->link);
    free_calls(take_calls(r));
    redis_reader_free(&r->reader);
    free(r->user);
    free(r);
}
