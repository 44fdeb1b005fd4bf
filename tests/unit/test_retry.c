/* retry: the decision as a table, and Retry-After. */
#include "unit.h"

#include "clock.h"
#include "retry.h"

#define NOW  (INT64_C(1000) * NS_PER_S)
#define NONE INT64_C(-1)
#define MOST UINT64_MAX

static const struct {
    const char *name;
    enum failure failure;
    long status;
    bool post, sent;
    unsigned number, limit, budget;
    int64_t after_ms, deadline;
    bool again;
    unsigned cost;
} cases[] = {
    {"200", FAILURE_NONE, 200, 0, 1, 1, 4, 500, NONE, 0, false, 0},
    {"400", FAILURE_NONE, 400, 0, 1, 1, 4, 500, NONE, 0, false, 0},
    {"401", FAILURE_NONE, 401, 0, 1, 1, 4, 500, NONE, 0, false, 0},
    {"403", FAILURE_NONE, 403, 0, 1, 1, 4, 500, NONE, 0, false, 0},
    {"404", FAILURE_NONE, 404, 0, 1, 1, 4, 500, NONE, 0, false, 0},
    {"409", FAILURE_NONE, 409, 0, 1, 1, 4, 500, NONE, 0, false, 0},
    {"302", FAILURE_NONE, 302, 0, 1, 1, 4, 500, NONE, 0, false, 0},
    {"501", FAILURE_NONE, 501, 0, 1, 1, 4, 500, NONE, 0, false, 0},
    {"408", FAILURE_NONE, 408, 0, 1, 1, 4, 500, NONE, 0, true, 14},
    {"425", FAILURE_NONE, 425, 0, 1, 1, 4, 500, NONE, 0, true, 14},
    {"429 is cheap", FAILURE_NONE, 429, 0, 1, 1, 4, 500, NONE, 0, true, 5},
    {"500", FAILURE_NONE, 500, 0, 1, 1, 4, 500, NONE, 0, true, 14},
    {"502", FAILURE_NONE, 502, 0, 1, 1, 4, 500, NONE, 0, true, 14},
    {"503", FAILURE_NONE, 503, 0, 1, 1, 4, 500, NONE, 0, true, 14},
    {"504", FAILURE_NONE, 504, 0, 1, 1, 4, 500, NONE, 0, true, 14},
    {"transport", FAILURE_TRANSPORT, 0, 0, 1, 1, 4, 500, NONE, 0, true, 14},
    {"timeout", FAILURE_TIMEOUT, 0, 0, 1, 1, 4, 500, NONE, 0, true, 14},
    {"a truncated 200", FAILURE_TRANSPORT, 200, 0, 1, 1, 4, 500, NONE, 0, true, 14},
    {"certificate", FAILURE_CERTIFICATE, 0, 0, 0, 1, 4, 500, NONE, 0, false, 0},
    {"limit", FAILURE_UNUSABLE, 200, 0, 1, 1, 4, 500, NONE, 0, false, 0},
    {"cancelled", FAILURE_CANCELLED, 0, 0, 0, 1, 4, 500, NONE, 0, false, 0},
    {"refused", FAILURE_REFUSED, 0, 0, 0, 1, 4, 500, NONE, 0, false, 0},
    {"internal", FAILURE_INTERNAL, 0, 0, 0, 1, 4, 500, NONE, 0, false, 0},
    {"the last but one", FAILURE_NONE, 503, 0, 1, 3, 4, 500, NONE, 0, true, 14},
    {"the last", FAILURE_NONE, 503, 0, 1, 4, 4, 500, NONE, 0, false, 0},
    {"only one", FAILURE_NONE, 503, 0, 1, 1, 1, 500, NONE, 0, false, 0},
    {"POST, answered", FAILURE_NONE, 503, 1, 1, 1, 4, 500, NONE, 0, false, 0},
    {"POST, 429", FAILURE_NONE, 429, 1, 1, 1, 4, 500, NONE, 0, false, 0},
    {"POST, sent", FAILURE_TRANSPORT, 0, 1, 1, 1, 4, 500, NONE, 0, false, 0},
    {"POST, sent and timed out", FAILURE_TIMEOUT, 0, 1, 1, 1, 4, 500, NONE, 0, false, 0},
    {"POST, not sent", FAILURE_TRANSPORT, 0, 1, 0, 1, 4, 500, NONE, 0, true, 14},
    {"budget just enough", FAILURE_NONE, 503, 0, 1, 1, 4, 14, NONE, 0, true, 14},
    {"budget used up", FAILURE_NONE, 503, 0, 1, 1, 4, 13, NONE, 0, false, 0},
    {"budget enough for 429", FAILURE_NONE, 429, 0, 1, 1, 4, 5, NONE, 0, true, 5},
    {"Retry-After within the deadline", FAILURE_NONE, 429, 0, 1, 1, 4, 500, 2000, NOW + 3 * NS_PER_S, true, 5},
    {"Retry-After after the deadline", FAILURE_NONE, 429, 0, 1, 1, 4, 500, 2000, NOW + 2 * NS_PER_S, false, 0},
    {"deadline passed", FAILURE_NONE, 503, 0, 1, 1, 4, 500, NONE, NOW, false, 0},
};

static struct attempt attempt_of(size_t i, const struct result *result)
{
    return (struct attempt){
        .number = cases[i].number,
        .limit = cases[i].limit,
        .idempotent = !cases[i].post,
        .result = result,
        .now = NOW,
        .deadline = cases[i].deadline,
        .budget = cases[i].budget,
    };
}

static void decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct result result = {
            .failure = cases[i].failure, .status = cases[i].status, .sent = cases[i].sent, .retry_after_ms = cases[i].after_ms};
        struct attempt attempt = attempt_of(i, &result);
        struct retry retry = retry_decide(&attempt);
        TRY(cases[i].name);
        assert_int_equal(retry.again, cases[i].again);
        assert_int_equal(retry.cost, cases[i].cost);
        if (retry.again)
            assert_true(retry.due >= NOW + (cases[i].after_ms > 0 ? cases[i].after_ms * NS_PER_MS : 0));
    }
}

/* Full jitter: from nothing to the exponential step, which is capped. */
static void backs_off(void **state)
{
    (void)state;
    static const struct {
        long status;
        unsigned number;
        int64_t step_ms;
    } steps[] = {{503, 1, 100},  {503, 2, 200},  {503, 3, 400},   {503, 8, 12800}, {503, 9, 20000},   {503, 60, 20000},
                 {429, 1, 1000}, {429, 2, 2000}, {429, 5, 16000}, {429, 6, 20000}, {429, 1000, 20000}};
    for (size_t i = 0; i < COUNT(steps); i++) {
        struct result result = {.status = steps[i].status, .retry_after_ms = -1};
        struct attempt a = {
            .number = steps[i].number, .limit = 2000, .idempotent = true, .result = &result, .now = NOW, .budget = 500};
        int64_t step = steps[i].step_ms * NS_PER_MS;
        a.random = 0;
        assert_int_equal(retry_decide(&a).due, NOW);
        a.random = (uint64_t)step;
        assert_int_equal(retry_decide(&a).due, NOW + step);
        a.random = (uint64_t)step + 1;
        assert_int_equal(retry_decide(&a).due, NOW);
        a.random = MOST;
        assert_in_range(retry_decide(&a).due - NOW, 0, step);
        result.retry_after_ms = 60000;
        assert_int_equal(retry_decide(&a).due, NOW + 60 * NS_PER_S);
    }
}

static void reads_retry_after(void **state)
{
    (void)state;
    static const char monday[] = "Mon, 04 Aug 2025 10:00:00 GMT";
    static const struct {
        const char *value, *date;
        int64_t expected;
    } values[] = {
        {"0", NULL, 0},
        {"1", NULL, 1000},
        {" 120 ", NULL, 120000},
        {"300", NULL, 300000},
        {"301", NULL, 300000},
        {"99999999999999999999999999", NULL, 300000},
        {"Mon, 04 Aug 2025 10:00:30 GMT", monday, 30000},
        {"Mon, 04 Aug 2025 09:00:00 GMT", monday, 0},
        {"Mon, 04 Aug 2025 23:00:00 GMT", monday, 300000},
        {"Mon, 04 Aug 2147483647 10:00:00 GMT", monday, 300000},
        {"Mon, 04 Aug 2025 10:00:10 GMT", "Mon, 04 Aug 2147483647 10:00:00 GMT", 0},
        {"Mon, 04 Aug 2025 10:00:10 GMT", NULL, 10000},
        {"Mon, 04 Aug 2025 10:00:10 GMT", "nonsense", 10000},
        {"", NULL, -1},
        {"-1", NULL, -1},
        {"1.5", NULL, -1},
        {"1s", NULL, -1},
        {"soon", NULL, -1},
        {"0x10", NULL, -1},
    };
    for (size_t i = 0; i < COUNT(values); i++) {
        TRY(values[i].value);
        assert_int_equal(retry_after_ms(values[i].value, values[i].date, INT64_C(1754301600) * 1000), values[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides),
        cmocka_unit_test(backs_off),
        cmocka_unit_test(reads_retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
