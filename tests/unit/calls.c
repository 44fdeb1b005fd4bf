/* calls: see calls.h. */
#include "calls.h"

#include "clock.h"
#include "log.h"
#include "redact.h"

struct loop *loop;
struct client *client;
struct peer *peer;
struct client_config config;

const struct peer_reply ok = {.text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"};
const struct peer_reply busy = {.text = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"};

void done(struct call *call, void *arg)
{
    struct call_outcome *o = arg;
    o->count++;
    o->call = call;
}

int start(void **state)
{
    (void)state;
    char err[ERROR_SIZE];
    loop = loop_new();
    config = (struct client_config){
        .credential = secret_new(CREDENTIAL, strlen(CREDENTIAL), "a test", err),
        .user_agent = "unit",
        .attempts = 4,
        .connect_timeout_ms = 2000,
        .exchange_timeout_ms = 5000,
        .jobs = 4,
        .max_body = 100000,
    };
    log_configure(&(struct log_options){.level = LOG_OFF});
    return loop && config.credential ? 0 : -1;
}

int end(void **state)
{
    (void)state;
    clock_override(NULL);
    client_free(client);
    client = NULL;
    if (peer)
        peer_stop(peer);
    peer = NULL;
    loop_free(loop);
    redact_forget_all();
    return 0;
}

void open_client(const struct peer_reply *replies, size_t count)
{
    char err[ERROR_SIZE] = "";
    peer = peer_start(replies, count);
    assert_int_equal(origin_parse(&config.origin, peer_url(peer), err), 0);
    client = client_new(loop, &config, err);
    assert_non_null(client);
}

void run(void)
{
    while (loop_busy(loop))
        loop_step(loop, true);
}

static int64_t fast_from, fast_real_from;

static int64_t real_now(void)
{
    clock_override(NULL);
    return clock_now();
}

static int64_t fast_clock(void)
{
    int64_t real = real_now();
    clock_override(fast_clock);
    return fast_from + (real - fast_real_from) * 5000;
}

void go_fast(void)
{
    fast_from = fast_real_from = real_now();
    clock_override(fast_clock);
}

void run_fast(void)
{
    go_fast();
    while (loop_busy(loop))
        loop_step(loop, false);
    clock_override(NULL);
}

struct call *begin(const char *method, const char *target, struct call_outcome *o)
{
    const char *body = strcmp(method, "GET") == 0 ? NULL : "{}";
    struct call *call = client_call(client, method, target, body, body ? 2 : 0, &(struct call_options){0}, done, o);
    assert_non_null(call);
    return call;
}

struct call *complete(const char *method, const char *target)
{
    struct call_outcome o = {0};
    struct call *call = begin(method, target, &o);
    run();
    assert_int_equal(o.count, 1);
    assert_ptr_equal(o.call, call);
    return call;
}

void check(struct call *call, enum failure failure, long status, unsigned attempts)
{
    assert_int_equal(call_result(call)->failure, failure);
    assert_int_equal(call_result(call)->status, status);
    assert_int_equal(call_attempts(call), attempts);
    call_free(call);
}
