/* redis_case: a connection to Redis, and the peer that it is to, for the tests of redis; static, one of each a test. */
#ifndef MOONKEY_UNIT_REDIS_CASE_H
#define MOONKEY_UNIT_REDIS_CASE_H

#include "clock.h"
#include "peer.h"
#include "redact.h"
#include "redis.h"
#include "unit.h"

static struct loop *loop;
static struct peer *peer;
static struct redis *redis;
static unsigned opened;

static int start(void **state)
{
    (void)state;
    opened = 0;
    loop = loop_new();
    return loop ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    redis_free(redis);
    redis = NULL;
    assert_false(loop_busy(loop));
    loop_free(loop);
    if (peer)
        peer_stop(peer);
    peer = NULL;
    redact_forget_all();
    return 0;
}

/* For the next one, in the same test. */
static void end_connection(void)
{
    redis_free(redis);
    redis = NULL;
    peer_stop(peer);
    peer = NULL;
}

/* ---- opening ---- */

static void on_opened(void *arg)
{
    (void)arg;
    opened++;
}

static enum redis_state open_with(struct redis_options o)
{
    o.link.host = "127.0.0.1";
    if (peer)
        o.link.port = peer_port(peer);
    o.link.timeout_ms = 2000;
    o.timeout = o.timeout ? o.timeout : 5 * NS_PER_S;
    redis_free(redis);
    opened = 0;
    redis = redis_open(loop, &o, on_opened, NULL);
    assert_non_null(redis);
    assert_int_equal(opened, 0); /* never from within */
    while (!opened)
        loop_step(loop, true);
    assert_int_equal(opened, 1);
    return redis_state(redis);
}

#define SELECTED                                                                                                               \
    {                                                                                                                          \
        .text = "+OK\r\n"                                                                                                      \
    }

#endif
