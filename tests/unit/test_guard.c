/* guard: which requests could lock the credential's own token out. */
#include "unit.h"

#include "guard.h"

#define OWN  "TKN-0000-0001"
#define BASE "/public/v1/accounts/api-tokens/"

static void knows_what_locks_out(void **state)
{
    (void)state;
    static const struct {
        bool locks_out;
        const char *method, *target, *body;
    } cases[] = {
        {true, "DELETE", BASE OWN, NULL},
        {true, "POST", BASE OWN "/disable", ""},
        {true, "PUT", BASE OWN, "{\"name\":\"n\",\"modules\":[]}"},
        {true, "PATCH", BASE OWN, "{\"modules\":null}"},
        {true, "DELETE", BASE "tkn-0000-0001", NULL},
        {true, "DELETE", BASE "TKN%2D0000%2d0001", NULL},
        {true, "DELETE", "/public//v1/accounts/API-tokens//" OWN "/", NULL},
        {true, "DELETE", BASE OWN "?x=y", NULL},
        {true, "POST", BASE OWN "/Disable?x", ""},
        {true, "POST", BASE OWN "/d%69sable", ""},
        {true, "DELETE", "/prefix" BASE OWN, NULL},
        {true, "delete", BASE OWN "/disable", NULL},
        {true, "PUT", BASE OWN, "{\"Modules\":[]}"},
        {true, "PUT", BASE OWN, "{\"\\u006dodules\":[]}"},
        {true, "PUT", BASE OWN, "{\"name\":\"\\u00e9\",\"\\u004Dod\\u0075LES\" : []}"},
        {true, "PUT", BASE OWN, "{\"module\\u017f\":[]}"},
        {true, "PUT", BASE OWN, "{\"module\xc5\xbf\":[]}"},
        {true, "PUT", BASE OWN "/disable", "{}"},
        {true, "PUT", BASE OWN "/enable", "{}"},
        {true, "PATCH", BASE OWN, "[{\"op\":\"replace\",\"path\":\"/modules\"}]"},
        {true, "PATCH", BASE OWN, "{\"name\":\"n\"}"},
        {true, "POST", BASE OWN, "{}"},
        {true, "POST", BASE OWN "/enable/more", ""},
        {true, "POST", BASE OWN "/anything", ""},
        {true, "DELETE", "/api-tokens" BASE OWN, NULL},
        {false, "GET", BASE OWN, NULL},
        {false, "HEAD", BASE OWN, NULL},
        {false, "PUT", BASE OWN, "{\"name\":\"n\"}"},
        {false, "PUT", BASE OWN, "{\"description\":\"its modules\",\"module\":\"modules2\"}"},
        {false, "PUT", BASE OWN, "{\"name\":\"\\u006d"},
        {false, "PUT", BASE OWN, "{\"name\":\"\\"},
        {false, "PUT", BASE OWN, NULL},
        {false, "PUT", BASE OWN "/?x", "{\"name\":\"n\"}"},
        {false, "POST", BASE OWN "/enable", ""},
        {false, "POST", BASE OWN "/Enable/?x", ""},
        {false, "DELETE", BASE "TKN-0000-0002", NULL},
        {false, "DELETE", BASE OWN "0", NULL},
        {false, "DELETE", BASE "TKN-0000-000", NULL},
        {false, "DELETE", "/public/v1/accounts/modules/" OWN, NULL},
        {false, "DELETE", "/x?/api-tokens/" OWN, NULL},
        {false, "POST", BASE, "{\"modules\":[]}"},
        {false, "DELETE", "", NULL},
        {false, "DELETE", BASE "%", NULL},
        {false, "DELETE", BASE "%2", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *body = cases[i].body;
        bool found = guard_locks_out(cases[i].method, cases[i].target, body, body ? strlen(body) : 0, OWN);
        if (found != cases[i].locks_out)
            fail_msg("%s %s", cases[i].method, cases[i].target);
    }
}

static void a_credential_without_an_id_locks_nothing_out(void **state)
{
    (void)state;
    assert_false(guard_locks_out("DELETE", BASE, NULL, 0, ""));
}

static void knows_what_may_be_another_request(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target, *why; /* NULL: it is what it seems */
    } cases[] = {
        {"POST", BASE "TKN-0000-0009/../TKN-0000-0001/disable", "'..'"},
        {"POST", BASE "TKN-0000-0009/%2e%2E/TKN-0000-0001/disable", "'..'"},
        {"POST", BASE "TKN-0000-0009/.%2e/TKN-0000-0001/disable", "'..'"},
        {"PUT", BASE "%2e", "'..'"},
        {"PUT", BASE "..?x", "'..'"},
        {"PUT", "/..", "'..'"},
        {"DELETE", "/public/v1/accounts/api-tokens%2FTKN-0000-0001", "escaped '/'"},
        {"DELETE", "/public/v1/accounts/api-tokens%2fTKN-0000-0001", "escaped '/'"},
        {"DELETE", "/public/v1/accounts/api-tokens%5CTKN-0000-0001", "backslash"},
        {"DELETE", "/public/v1/accounts/api-tokens\\TKN-0000-0001", "backslash"},
        {"DELETE", BASE OWN ";v=1", "semicolon"},
        {"DELETE", BASE OWN "%3bv=1", "semicolon"},
        {"DELETE", BASE "%2554KN-0000-0001", "'%'"},
        {"DELETE", BASE OWN "%3fx", "'?'"},
        {"DELETE", BASE OWN "%23x", "'#'"},
        {"DELETE", BASE "%", "'%'"},
        {"DELETE", BASE OWN "%00", "control"},
        {"DELETE", BASE OWN "%0a", "control"},
        {"DELETE", BASE OWN "\t", "control"},
        {"DELETE", BASE OWN "%7F", "control"},
        {"GET", BASE OWN "?_method=DELETE", "method"},
        {"POST", BASE OWN "?a=b&_METHOD=DELETE", "method"},
        {"GET", BASE OWN "?a=b;%5fmetho%64=DELETE", "method"},
        {"HEAD", BASE OWN "?_method", "method"},
        {"GET", BASE OWN "?x-http-method-override=DELETE", "method"},
        {"GET", BASE OWN "?X_HTTP_Method=DELETE&a", "method"},
        {"GET", BASE "a;b%2F..", NULL},
        {"GET", BASE "?_methods=x&method=y&a=_method", NULL},
        {"POST", BASE "?", NULL},
        {"PUT", BASE OWN "?q=a;b/../c%2F%25", NULL},
        {"PUT", BASE "a..b/...", NULL},
        {"PUT", BASE "a%20b/.%61/%41", NULL},
        {"PUT", "", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *why = guard_ambiguous(cases[i].method, cases[i].target);
        if (!why != !cases[i].why || (why && !strstr(why, cases[i].why)))
            fail_msg("%s %s: %s", cases[i].method, cases[i].target, why ? why : "nothing");
    }
}

static void knows_whose_headers_are_whose(void **state)
{
    (void)state;
    static const char *const reserved[] = {"Authorization",     "cookie",        "HOST",           "x-http-method-override",
                                           "X-HTTP-Method",     "X_HTTP_METHOD", "X-Original-Url", "X-Rewrite-URL",
                                           "X-Method-Override", "traceparent",   "User-Agent"};
    static const char *const free[] = {"", "X", "Accept", "X-HTTP", "X-HTTP-Method-Overrides", "Hos", "Hosts", "If-Match"};
    for (size_t i = 0; i < COUNT(reserved); i++)
        if (!guard_reserved_header(reserved[i], strlen(reserved[i])))
            fail_msg("%s", reserved[i]);
    for (size_t i = 0; i < COUNT(free); i++)
        if (guard_reserved_header(free[i], strlen(free[i])))
            fail_msg("%s", free[i]);
    assert_string_equal(guard_reserved_header("host: x", 4), "Host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_locks_out),
        cmocka_unit_test(knows_what_may_be_another_request),
        cmocka_unit_test(knows_whose_headers_are_whose),
        cmocka_unit_test(a_credential_without_an_id_locks_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
