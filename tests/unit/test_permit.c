/* permit: rules, and what gets round them or not. */
#include "unit.h"

#include "permit.h"

static void test_rules(void **state)
{
    static const struct {
        const char *rule, *mistake; /* NULL: it is one */
    } cases[] = {
        {"GET /accounts/api-tokens", NULL},
        {"GET /public/v1/accounts/api-tokens", NULL},
        {"* /**", NULL},
        {"GET,PUT,DELETE /accounts/api-tokens/TKN-*", NULL},
        {"GET  /two/spaces", NULL},
        {"", "expected a method"},
        {"GET", "expected a method"},
        {"GET ", "expected a method"},
        {"/accounts/api-tokens", "expected a method"},
        {"get /x", "expected a method"},
        {"GET, PUT /x", "expected a method"},
        {"GET, /x", "expected a method"},
        {"FETCH /x", "expected a method"},
        {"GET x", "begins with '/'"},
        {"GET /x?y=1", "no query"},
        {"GET /x%2fy", "decoded"},
        {"GET /x y", "decoded"},
        {"GET //x", "empty segment"},
        {"GET /a/../x", "'..'"},
        {"GET /**/x", "only be the last"},
        {"GET /x**", "only be the last"},
        {"GET /***", "only be the last"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        TRY(cases[i].rule);
        struct permits *permits = permits_new();
        const char *mistake = permits_add(permits, cases[i].rule);
        if (cases[i].mistake)
            assert_non_null(mistake && strstr(mistake, cases[i].mistake) ? mistake : NULL);
        else
            assert_null(mistake);
        permits_free(permits);
    }
}

static bool allows(const char *rule, const char *method, const char *target)
{
    struct permits *permits = permits_new();
    assert_null(permits_add(permits, "POST /other/*"));
    assert_null(permits_add(permits, rule));
    bool allowed = permits_allow(permits, method, target);
    permits_free(permits);
    return allowed;
}

static void test_requests(void **state)
{
    static const char one[] = "PUT /accounts/api-tokens/*", some[] = "GET /accounts/api-tokens/TKN-1*-2",
                      all[] = "* /accounts/**";
    static const struct {
        const char *rule, *method, *target;
        bool allowed;
    } cases[] = {
        {one, "PUT", "/public/v1/accounts/api-tokens/TKN-1", true},
        {one, "PUT", "/public/v1/accounts/api-tokens/TKN-1/", true},
        {one, "PUT", "/public/v1/accounts//api-tokens/TKN-1", true},
        {one, "PUT", "/public/v1/accounts/api-tokens/TKN-1?select=id", true},
        {one, "PUT", "/public/v1/accounts/api%2Dtokens/%54KN-1", true},
        {one, "GET", "/public/v1/accounts/api-tokens/TKN-1", false},
        {one, "PUTS", "/public/v1/accounts/api-tokens/TKN-1", false},
        {one, "PU", "/public/v1/accounts/api-tokens/TKN-1", false},
        {one, "PUT", "/public/v1/accounts/api-tokens", false},
        {one, "PUT", "/public/v1/accounts/api-tokens/", false},
        {one, "PUT", "/public/v1/accounts/api-tokens//", false},
        {one, "PUT", "/public/v1/accounts/api-tokens/TKN-1/disable", false},
        {one, "PUT", "/public/v1/accounts/api-tokens/TKN-1%2fdisable", false},
        {one, "PUT", "/public/v1/accounts/api-tokens/TKN-1%252fdisable", false},
        {one, "PUT", "/public/v1/accounts/api-tokens/..", false},
        {one, "PUT", "/public/v1/accounts/api-tokens/%2e%2e", false},
        {one, "PUT", "/public/v1/accounts/api-tokens/../api-tokens/TKN-1", false},
        {one, "PUT", "/public/v1/accounts/users/%2e%2e/api-tokens/TKN-1", false},
        {one, "PUT", "/public/v1/accounts/api-tokens/x;y", false},
        {one, "PUT", "/public/v1/accounts/api-tokens/x\\y", false},
        {one, "PUT", "/public/v1/accounts/api-tokens/x%5cy", false},
        {one, "PUT", "/public/v1/accounts/api-tokens/x%00", false},
        {one, "PUT", "/public/v1/accounts/API-TOKENS/TKN-1", false},
        {one, "PUT", "/accounts/api-tokens/TKN-1", false},
        {one, "PUT", "/public/v1x/accounts/api-tokens/TKN-1", false},
        {one, "PUT", "/private/v1/accounts/api-tokens/TKN-1", false},
        {one, "PUT", "/public/v1/x/accounts/api-tokens/TKN-1", false},
        {some, "GET", "/public/v1/accounts/api-tokens/TKN-1-2", true},
        {some, "GET", "/public/v1/accounts/api-tokens/TKN-12-22-2", true},
        {some, "GET", "/public/v1/accounts/api-tokens/TKN-1-3", false},
        {some, "GET", "/public/v1/accounts/api-tokens/TKN-1/-2", false},
        {all, "DELETE", "/public/v1/accounts/users/USR-1/x", true},
        {all, "GET", "/public/v1/accounts", false},
        {all, "GET", "/public/v1/accounts/", false},
        {all, "GET", "/public/v1/accounting/x", false},
        {all, "GET", "/public/v1/accounts/../users", false},
        {"* /**", "GET", "/public/v1/x", true},
        {"* /**", "GET", "/public/v1", false},
        {"GET,PUT /x", "PUT", "/public/v1/x", true},
        {"GET,PUT /x", "POST", "/public/v1/x", false},
        {"GET /public/v1/x", "GET", "/public/v1/x", true},
        {"GET /public/v1/x", "GET", "/public/v1/public/v1/x", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        TRY(cases[i].target);
        assert_int_equal(allows(cases[i].rule, cases[i].method, cases[i].target), cases[i].allowed);
    }
}

static void test_nothing(void **state)
{
    (void)state;
    struct permits *permits = permits_new();
    assert_false(permits_allow(permits, "GET", "/public/v1/accounts/api-tokens"));
    permits_free(permits);
    permits_free(NULL);
}

/* What is suggested permits the request, and holds nothing that a shell would take for something else. */
static void test_suggestions(void **state)
{
    static const struct {
        const char *method, *target, *rule;
    } cases[] = {
        {"GET", "/public/v1/accounts/api-tokens/TKN-0001-0002", "GET /accounts/api-tokens/*"},
        {"GET", "/public/v1/accounts/api-tokens?limit=1", "GET /accounts/api-tokens"},
        {"POST", "/public/v1/accounts/api-tokens/TKN-1/disable/", "POST /accounts/api-tokens/*/disable"},
        {"PUT", "/public/v1/a/';rm+-rf+$HOME;'", "PUT /a/*"},
        {"PUT", "/public/v1/a%27/b", "PUT /*/b"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char rule[100];
        TRY(cases[i].target);
        permits_suggest(cases[i].method, cases[i].target, rule, sizeof rule);
        assert_string_equal(rule, cases[i].rule);
        assert_true(allows(rule, cases[i].method, cases[i].target) || strchr(cases[i].target, ';'));
    }
    char small[12];
    permits_suggest("GET", "/public/v1/accounts/api-tokens", small, sizeof small);
    assert_string_equal(small, "GET /accoun");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_suggestions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
