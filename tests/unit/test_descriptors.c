/* descriptors: the limit of open files is respected. */
#include "unit.h"

#include <sys/resource.h>

#include "descriptors.h"
#include "log.h"

static void set_limit(rlim_t soft)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = soft;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static rlim_t soft_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

static void raises_the_soft_limit_as_far_as_needed(void **state)
{
    (void)state;
    set_limit(100);
    assert_int_equal(descriptors_for(20), 20);
    assert_int_equal(soft_limit(), 100);
    assert_int_equal(descriptors_for(150), 150);
    assert_in_range(soft_limit(), 150, 300);
}

/* The last one: a hard limit cannot be raised again. */
static void gives_fewer_where_the_system_allows_no_more(void **state)
{
    (void)state;
    const struct rlimit limit = {.rlim_cur = 80, .rlim_max = 110};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        skip(); /* valgrind keeps descriptors of its own */
    assert_in_range(descriptors_for(1000), 20, 100);
    const struct rlimit tiny = {.rlim_cur = 20, .rlim_max = 20};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tiny), 0);
    assert_int_equal(descriptors_for(1000), 1);
    assert_int_equal(descriptors_for(1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raises_the_soft_limit_as_far_as_needed),
        cmocka_unit_test(gives_fewer_where_the_system_allows_no_more),
    };
    log_configure(&(struct log_options){.level = LOG_OFF});
    return cmocka_run_group_tests(tests, NULL, NULL);
}
