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
        {false, "GET", BASE OWN, NULL},
        {false, "HEAD", BASE OWN, NULL},
        {false, "PUT", BASE OWN, "{\"name\":\"n\"}"},
        {false, "POST", BASE OWN "/enable", ""},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_locks_out),
        cmocka_unit_test(a_credential_without_an_id_locks_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
