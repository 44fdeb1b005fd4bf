/* origin: a table of base URLs. */
#include "unit.h"

#include "buf.h"
#include "origin.h"
#include "redact.h"
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

static const struct {
    const char *text;
    bool good;
} proxies[] = {
    {"", true}, /* none */
    {"http://proxy.example.com:8080", true},
    {"http://proxy.example.com:8080/", true},
    {"proxy.example.com:8080", true},
    {"https://proxy.example.com", true},
    {"socks5h://127.0.0.1:1080", true},
    {"http://user:hunter2secret@proxy.example.com:8080", true},
    {"http://user:hunter2%2Fsecret@proxy.example.com:8080", true},
    {"http://user:hunter2/secret@127.0.0.1:99999", false},
    {"http://user:hunter2#secret@proxy.example.com:8080", false},
    {"http://user:hunter2secret@127.0.0.1:99999", false},
    {"http://user:12/hunter2@proxy.example.com", false},
    {"http://user:12#hunter2@proxy.example.com", false},
    {"http://user:12?hunter2@proxy.example.com", false},
    {"ftp://user:hunter2secret@proxy.example.com", false},
    {"socks9://proxy.example.com", false},
    {"http://", false},
};

static void check_proxy(const char *base_url, const char *proxy, const char *refused_for)
{
    struct origin origin;
    char err[ERROR_SIZE] = "";
    assert_int_equal(origin_parse(&origin, base_url, err), 0);
    assert_int_equal(origin_check_proxy(&origin, proxy, err), refused_for ? -1 : 0);
    assert_non_null(strstr(err, refused_for ? refused_for : ""));
    assert_null(strstr(err, "hunter2"));
}

static void checks_proxies(void **state)
{
    (void)state;
    static const char *const variables[] = {"ALL_PROXY", "all_proxy", "HTTPS_PROXY",
                                            "https_proxy"}; /* each goes before the last */
    for (size_t i = 0; i < COUNT(proxies); i++) {
        TRY(proxies[i].text);
        check_proxy("https://api.example.com", proxies[i].text, proxies[i].good ? NULL : "the proxy");
        check_proxy("https://127.0.0.1:8443", proxies[i].text, NULL); /* reached directly */
    }
    for (size_t i = 0; i < COUNT(variables); i++) {
        setenv(variables[i], "http://user:hunter2/secret@127.0.0.1:99999", 1);
        check_proxy("https://api.example.com", NULL, variables[i]);
        check_proxy("https://api.example.com", "http://proxy.example.com", NULL);
        setenv(variables[i], "http://user:hunter2@proxy.example.com:8080", 1);
        check_proxy("https://api.example.com", NULL, NULL);
    }
    for (size_t i = 0; i < COUNT(variables); i++)
        unsetenv(variables[i]);
    redact_forget_all();
}

static void masks_the_password_of_a_proxy(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1024);
    check_proxy("https://api.example.com", "http://user:hunter2%2Fsecret@proxy.example.com", NULL);
    redact_append(&out, "hunter2%2Fsecret, hunter2/secret", strlen("hunter2%2Fsecret, hunter2/secret"));
    assert_string_equal(buf_text(&out), "[redacted], [redacted]");
    buf_free(&out);
    redact_forget_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses),
        cmocka_unit_test(has_a_longest),
        cmocka_unit_test(checks_proxies),
        cmocka_unit_test(masks_the_password_of_a_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
