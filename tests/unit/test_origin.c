/* origin: a table of base URLs. */
#include "unit.h"

#include "origin.h"
#include "secret.h"

static const struct {
    const char *text, *url, *host;
    bool loopback;
} good[] = {
    {"https://api.example.com", "https://api.example.com", "api.example.com", false},
    {"https://api.example.com/", "https://api.example.com", "api.example.com", false},
    {"https://api.example.com///", "https://api.example.com", "api.example.com", false},
    {"https://api.example.com/public", "https://api.example.com", "api.example.com", false},
    {"https://api.example.com/public/", "https://api.example.com", "api.example.com", false},
    {"https://api.example.com/public/v1", "https://api.example.com", "api.example.com", false},
    {"https://api.example.com/public/v1/", "https://api.example.com", "api.example.com", false},
    {"https://api.example.com:8443/gateway/public/v1", "https://api.example.com:8443/gateway", "api.example.com:8443", false},
    {"https://api.example.com/republic", "https://api.example.com/republic", "api.example.com", false},
    {"http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080", true},
    {"http://127.1.2.3/public", "http://127.1.2.3", "127.1.2.3", true},
    {"http://localhost:1", "http://localhost:1", "localhost:1", true},
    {"http://[::1]:8080/", "http://[::1]:8080", "[::1]:8080", true},
    {"https://%61pi.example.com", "https://api.example.com", "api.example.com", false},
    {"HTTPS://API.example.com", "https://API.example.com", "API.example.com", false},
};

static const struct {
    const char *text, *part;
} bad[] = {
    {"", "cannot be understood"},
    {"http://api.example.com", "unencrypted"},
    {"http://127.0.0.1.example.com", "unencrypted"},
    {"http://localhost.example.com", "unencrypted"},
    {"http://10.0.0.1", "unencrypted"},
    {"http://127.0.0.256", "unencrypted"},
    {"http://127.-0.0.1", "unencrypted"},
    {"ftp://api.example.com", "ftp://"},
    {"file:///etc/passwd", "base URL"},
    {"https://", "base URL"},
    {"https://user@api.example.com", "user name"},
    {"https://user:hunter2secret@api.example.com", "user name"},
    {"https://api.example.com/?a=b", "query"},
    {"https://api.example.com/#x", "fragment"},
    {"https://api%252eexample.com", "escapes in its host"},
    {"https://%32", "escapes in its host"},
    {"https://api example.com", "cannot be understood"},
    {"https://api.example.com:99999", "cannot be understood"},
};

static void accepts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct origin origin;
        char err[ERROR_SIZE] = "";
        TRY(good[i].text);
        assert_int_equal(origin_parse(&origin, good[i].text, err), 0);
        assert_string_equal(origin.url, good[i].url);
        assert_string_equal(origin.host, good[i].host);
        assert_int_equal(origin.loopback, good[i].loopback);
    }
}

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct origin origin;
        char err[ERROR_SIZE] = "";
        TRY(bad[i].text);
        assert_int_equal(origin_parse(&origin, bad[i].text, err), -1);
        assert_non_null(strstr(err, bad[i].part));
        assert_null(strstr(err, "hunter2"));
    }
}

static void has_a_longest(void **state)
{
    (void)state;
    char text[1024] = "https://api.example.com/", err[ERROR_SIZE] = "";
    struct origin origin;
    memset(text + strlen(text), 'p', 900);
    assert_int_equal(origin_parse(&origin, text, err), -1);
    assert_non_null(strstr(err, "too long"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses),
        cmocka_unit_test(has_a_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
