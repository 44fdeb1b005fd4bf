/* redis: commands and answers against a peer that does as it is told. */
#include "redis_case.h"

static void open_to(const struct peer_reply *replies, size_t count)
{
    peer = peer_start_redis(replies, count);
    assert_int_equal(open_with((struct redis_options){0}), REDIS_OPEN);
    assert_false(loop_busy(loop)); /* a connection alone keeps no program alive */
}

/* ---- calls ---- */

struct outcome {
    unsigned count;
    redisReply *reply;
    bool sent;
};

static void on_done(redisReply *reply, bool sent, void *arg)
{
    struct outcome *o = arg;
    o->count++;
    o->reply = reply;
    o->sent = sent;
}

static struct redis_call *call(struct outcome *o, int64_t timeout, const char *command, const char *argument)
{
    const char *argv[] = {command, argument};
    *o = (struct outcome){0};
    struct redis_call *made = redis_call(redis, argument ? 2 : 1, argv, NULL, timeout, on_done, o);
    assert_non_null(made);
    assert_int_equal(o->count, 0);
    return made;
}

static void wait_for(const struct outcome *o)
{
    while (!o->count) {
        assert_true(loop_busy(loop));
        loop_step(loop, true);
    }
    assert_int_equal(o->count, 1);
}

static void comes(struct outcome *o, const char *text)
{
    wait_for(o);
    assert_non_null(o->reply);
    assert_int_equal(o->reply->type, REDIS_REPLY_STRING);
    assert_string_equal(o->reply->str, text);
    freeReplyObject(o->reply);
}

static void is_lost(struct outcome *o, bool sent, const char *why)
{
    wait_for(o);
    assert_null(o->reply);
    assert_int_equal(o->sent, sent);
    assert_int_equal(redis_state(redis), REDIS_LOST);
    if (!strstr(redis_text(redis), why))
        fail_msg("%s", redis_text(redis));
}

/* ---- commands and answers ---- */

static void answers_in_order(void **state)
{
    (void)state;
    struct peer_reply replies[] = {
        SELECTED, {.text = "$1\r\na\r\n", .delay_ms = 50}, {.text = "$1\r\nb\r\n$1\r\nc\r\n$1"}, {.text = "\r\nd\r\n"}, {0},
    };
    struct outcome a, b, c, d;
    open_to(replies, COUNT(replies));
    call(&a, NS_PER_S, "GET", "1");
    call(&b, NS_PER_S, "GET", "2");
    call(&c, NS_PER_S, "GET", "3");
    call(&d, NS_PER_S, "GET", "4");
    wait_for(&d);
    comes(&a, "a");
    comes(&b, "b");
    comes(&c, "c");
    comes(&d, "d");
    assert_string_equal(peer_request(peer, 3), "*2\r\n$3\r\nGET\r\n$1\r\n3\r\n");
    assert_int_equal(redis_state(redis), REDIS_OPEN);
    assert_false(loop_busy(loop));
}

static void reads_every_kind(void **state)
{
    (void)state;
    struct peer_reply replies[] = {SELECTED, {.text = "*6\r\n:-7\r\n$-1\r\n*-1\r\n-NO way\r\n+fine\r\n*2\r\n$0\r\n\r\n*0\r\n"}};
    static const int types[] = {REDIS_REPLY_INTEGER, REDIS_REPLY_NIL,    REDIS_REPLY_NIL,
                                REDIS_REPLY_ERROR,   REDIS_REPLY_STATUS, REDIS_REPLY_ARRAY};
    struct outcome o;
    open_to(replies, COUNT(replies));
    call(&o, NS_PER_S, "EVAL", NULL);
    wait_for(&o);
    assert_int_equal(o.reply->elements, COUNT(types));
    for (size_t i = 0; i < COUNT(types); i++)
        assert_int_equal(o.reply->element[i]->type, types[i]);
    assert_int_equal(o.reply->element[0]->integer, -7);
    assert_int_equal(o.reply->element[5]->elements, 2);
    freeReplyObject(o.reply);
}

/* Larger than what the system takes at once, and with every byte in it. */
static void sends_what_is_large(void **state)
{
    (void)state;
    enum { SIZE = 3 << 20 };
    struct peer_reply replies[] = {SELECTED, {.text = "$1\r\na\r\n"}, {.text = "$1\r\nb\r\n"}};
    struct outcome large, small;
    char *value = malloc(SIZE);
    const char *argv[] = {"SET", "a", value};
    const size_t lengths[] = {3, 1, SIZE};
    for (size_t i = 0; i < SIZE; i++)
        value[i] = (char)(i * 7 + i / 251);
    open_to(replies, COUNT(replies));
    large = (struct outcome){0};
    assert_non_null(redis_call(redis, 3, argv, lengths, 5 * NS_PER_S, on_done, &large));
    call(&small, 5 * NS_PER_S, "GET", "b");
    comes(&large, "a");
    comes(&small, "b");
    static const char before[] = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$3145728\r\n";
    assert_memory_equal(peer_request(peer, 1), before, sizeof before - 1);
    assert_memory_equal(peer_request(peer, 1) + sizeof before - 1, value, SIZE);
    free(value);
}

/* hiredis would not notice that their lengths are too much for it. */
static void sends_no_command_that_is_too_long(void **state)
{
    (void)state;
    const char *argv[] = {"SET", "a", ""};
    static const size_t lengths[][3] = {{3, 1, REDIS_MOST_BYTES}, {3, 1, (size_t)1 << 31}, {3, 1, SIZE_MAX}, {SIZE_MAX, 4, 3}};
    struct peer_reply replies[] = {SELECTED};
    struct outcome o = {0};
    open_to(replies, COUNT(replies));
    for (size_t i = 0; i < COUNT(lengths); i++)
        assert_null(redis_call(redis, 3, argv, lengths[i], NS_PER_S, on_done, &o));
    assert_int_equal(o.count, 0);
    assert_int_equal(redis_state(redis), REDIS_OPEN);
}

/* The limit is one reply's. */
static void takes_large_answers(void **state)
{
    (void)state;
    enum { LARGE = 30 << 20 };
    struct peer_reply replies[] = {SELECTED,
                                   {.text = "$31457280\r\n", .fill = LARGE},
                                   {.text = "\r\n$31457280\r\n", .fill = LARGE},
                                   {.text = "\r\n$31457280\r\n", .fill = LARGE},
                                   {.text = "\r\n+OK\r\n"}};
    struct outcome o[4];
    open_to(replies, COUNT(replies));
    for (size_t i = 0; i < COUNT(o); i++)
        call(&o[i], 60 * NS_PER_S, "GET", "a");
    for (size_t i = 0; i < COUNT(o); i++) {
        wait_for(&o[i]);
        assert_non_null(o[i].reply);
        assert_int_equal(o[i].reply->len, i < 3 ? LARGE : 2);
        freeReplyObject(o[i].reply);
    }
}

static void nothing_happens(struct timer *timer)
{
    timer->due = 0;
}

static void sleeps_while_it_waits(void **state)
{
    (void)state;
    struct peer_reply replies[] = {SELECTED, {.text = "$1\r\na\r\n"}, {.then = PEER_HANG}};
    struct timer timer = {.fire = nothing_happens};
    struct outcome o;
    unsigned steps = 0;
    open_to(replies, COUNT(replies));
    call(&o, 5 * NS_PER_S, "GET", "a");
    comes(&o, "a");
    call(&o, 5 * NS_PER_S, "GET", "b");
    for (loop_timer_start(loop, &timer, clock_now() + NS_PER_S / 5); timer.due; steps++)
        loop_step(loop, true);
    assert_int_equal(o.count, 0);
    assert_true(steps < 10);
}

static void forgets(void **state)
{
    (void)state;
    struct peer_reply replies[] = {SELECTED, {.text = "$1\r\na\r\n"}, {.text = "$1\r\nb\r\n"}};
    struct outcome a, b;
    open_to(replies, COUNT(replies));
    redis_forget(call(&a, NS_PER_S, "GET", "a"));
    call(&b, NS_PER_S, "GET", "b");
    comes(&b, "b");
    assert_int_equal(a.count, 0);
}

/* ---- its end ---- */

static void ends_for_what_is_no_answer(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct peer_reply reply;
        const char *why;
    } cases[] = {
        {"closed", {.then = PEER_CLOSE}, "the server closed the connection"},
        {"cut", {.text = "$10\r\nabc", .then = PEER_CLOSE}, "the server closed the connection"},
        {"reset", {.then = PEER_RESET}, "reset"},
        {"silent", {.then = PEER_HANG}, "no answer to GET within 0.5 s"},
        {"slow", {.text = "$10\r\nabc", .then = PEER_HANG}, "no answer to GET within 0.5 s"},
        {"other", {.text = "HTTP/1.1 200 OK\r\n"}, "what answers there is no Redis"},
        {"negative", {.text = "*-7\r\n"}, "no Redis"},
        {"length", {.text = "$-7\r\n"}, "no Redis"},
        {"deep", {.text = "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}, "no Redis"},
        {"list", {.text = "*2000000000\r\n"}, "a reply has more elements than can be taken"},
        {"lists", {.text = "*900000\r\n*900000\r\n"}, "a reply has more elements than can be taken"},
        {"length of a string", {.text = "$", .fill = 100000, .then = PEER_HANG}, "a reply is larger than can be taken"},
        {"line", {.text = "+", .fill = 100000, .then = PEER_HANG}, "a reply is larger than can be taken"},
        {"large",
         {.text = "*1380000\r\n$80000000\r\n", .fill = 2 << 20, .then = PEER_HANG}, /* of 64 MiB, the list leaves 1 */
         "a reply is larger than can be taken"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        TRY(cases[i].name);
        struct peer_reply replies[] = {SELECTED, cases[i].reply};
        struct outcome o;
        bool large = cases[i].reply.fill > 1000000;
        open_to(replies, COUNT(replies));
        call(&o, large ? 60 * NS_PER_S : NS_PER_S / 2, "GET", "a");
        is_lost(&o, true, cases[i].why);
        assert_false(loop_busy(loop));
        end_connection();
    }
}

static void notices_the_end_while_idle(void **state)
{
    (void)state;
    struct peer_reply replies[] = {{.text = "+OK\r\n", .delay_ms = 20, .then = PEER_CLOSE}};
    peer = peer_start_redis(replies, COUNT(replies));
    open_with((struct redis_options){0});
    for (int64_t until = clock_now() + 5 * NS_PER_S; redis_state(redis) == REDIS_OPEN && clock_now() < until;)
        loop_step(loop, false);
    assert_int_equal(redis_state(redis), REDIS_LOST);
    assert_string_equal(redis_text(redis), "the server closed the connection");
}

static void takes_no_answer_that_nobody_asked_for(void **state)
{
    (void)state;
    struct peer_reply replies[] = {SELECTED, {.text = "$1\r\na\r\n-ERR out of the blue\r\n", .then = PEER_HANG}};
    struct outcome o;
    open_to(replies, COUNT(replies));
    call(&o, NS_PER_S, "GET", "a");
    comes(&o, "a");
    for (int64_t until = clock_now() + 5 * NS_PER_S; redis_state(redis) == REDIS_OPEN && clock_now() < until;)
        loop_step(loop, false);
    assert_int_equal(redis_state(redis), REDIS_LOST);
    assert_string_equal(redis_text(redis), "an answer came to nothing that was asked: ERR out of the blue");
}

/* The second has little time, of which waiting for the first takes none. */
static void times_each_from_its_turn(void **state)
{
    (void)state;
    struct peer_reply replies[] = {
        SELECTED, {.text = "$1\r\na\r\n", .delay_ms = 600}, {.text = "$1\r\nb\r\n"}, {.then = PEER_HANG}};
    struct outcome a, b, c, d;
    open_to(replies, COUNT(replies));
    call(&a, 5 * NS_PER_S, "BLPOP", "a");
    call(&b, NS_PER_S / 2, "GET", "b");
    call(&c, NS_PER_S / 2, "PING", NULL);
    call(&d, 5 * NS_PER_S, "GET", "d");
    comes(&a, "a");
    comes(&b, "b");
    is_lost(&c, true, "no answer to PING within 0.5 s");
    is_lost(&d, true, "no answer to PING within 0.5 s");
}

static void closes(void **state)
{
    (void)state;
    struct peer_reply replies[] = {SELECTED, {.then = PEER_HANG}};
    struct outcome sent, unsent;
    open_to(replies, COUNT(replies));
    call(&sent, NS_PER_S, "GET", "a");
    while (peer_requests(peer) < 2)
        loop_step(loop, false);
    call(&unsent, NS_PER_S, "GET", "b");
    redis_close(redis, "enough");
    redis_close(redis, "twice");
    assert_int_equal(sent.count + unsent.count, 2);
    assert_true(sent.sent);
    assert_false(unsent.sent);
    assert_int_equal(redis_state(redis), REDIS_CLOSED);
    assert_string_equal(redis_text(redis), "enough");
    assert_false(loop_busy(loop));
    assert_int_equal(opened, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_in_order, start, end),
        cmocka_unit_test_setup_teardown(reads_every_kind, start, end),
        cmocka_unit_test_setup_teardown(sends_what_is_large, start, end),
        cmocka_unit_test_setup_teardown(sends_no_command_that_is_too_long, start, end),
        cmocka_unit_test_setup_teardown(takes_large_answers, start, end),
        cmocka_unit_test_setup_teardown(sleeps_while_it_waits, start, end),
        cmocka_unit_test_setup_teardown(forgets, start, end),
        cmocka_unit_test_setup_teardown(ends_for_what_is_no_answer, start, end),
        cmocka_unit_test_setup_teardown(notices_the_end_while_idle, start, end),
        cmocka_unit_test_setup_teardown(takes_no_answer_that_nobody_asked_for, start, end),
        cmocka_unit_test_setup_teardown(times_each_from_its_turn, start, end),
        cmocka_unit_test_setup_teardown(closes, start, end),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
