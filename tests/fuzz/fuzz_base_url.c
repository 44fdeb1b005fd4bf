/* base_url: a line. What origin_parse() accepts is a place that the credential may be sent to, however it is written. */
#include <ctype.h>

#include "fuzz.h"
#include "origin.h"
#include "secret.h"

/* By other means than the parser's own: the text of the host must leave no doubt. */
static bool is_loopback(const char *host)
{
    size_t name = strcspn(host, ":/");
    unsigned parts[4];
    if (strncmp(host, "[::1]", 5) == 0)
        return host[5] == '\0' || host[5] == ':' || host[5] == '/';
    if (name == 9 && strncasecmp(host, "localhost", 9) == 0)
        return true;
    if (sscanf(host, "%3u.%3u.%3u.%3u", &parts[0], &parts[1], &parts[2], &parts[3]) != 4)
        return false;
    char plain[32]; /* 080 and +80 are other ways to write a number, or none */
    size_t len = (size_t)snprintf(plain, sizeof plain, "%u.%u.%u.%u", parts[0], parts[1], parts[2], parts[3]);
    return len == name && strncmp(plain, host, name) == 0 && parts[0] == 127 && parts[1] < 256 && parts[2] < 256 &&
           parts[3] < 256;
}

static void check(const struct origin *origin)
{
    bool https = strncmp(origin->url, "https://", 8) == 0;
    REQUIRE(https || strncmp(origin->url, "http://", 7) == 0);
    const char *host = origin->url + (https ? 8 : 7);
    size_t authority = strcspn(host, "/");
    REQUIRE(authority > 0 && authority == strlen(origin->host) && strncmp(host, origin->host, authority) == 0);
    REQUIRE(https || is_loopback(host));
    REQUIRE(origin->loopback == is_loopback(host));
    REQUIRE(!memchr(host, '@', authority));
    REQUIRE(!strpbrk(origin->url, "?#"));
    REQUIRE(origin->url[strlen(origin->url) - 1] != '/');
    for (const char *p = origin->url; *p; p++)
        REQUIRE((unsigned char)*p > ' ' && *p != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {(const char *)data, size};
    char *text = input_line(&in);
    char err[ERROR_SIZE] = "";
    struct origin origin, again;
    if (origin_parse(&origin, text, err) == 0) {
        char whole[sizeof origin.url + sizeof "/public/v1"];
        check(&origin);
        snprintf(whole, sizeof whole, "%s/public/v1", origin.url);
        REQUIRE(origin_parse(&again, whole, err) == 0);
        REQUIRE(strcmp(again.url, origin.url) == 0 && strcmp(again.host, origin.host) == 0);
        REQUIRE(again.loopback == origin.loopback);
    } else {
        REQUIRE(err[0] != '\0' && strlen(err) < ERROR_SIZE);
    }
    free(text);
    return 0;
}
