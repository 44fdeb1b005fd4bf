/* origin: see origin.h. libcurl's URL parser does the parsing, so that what is checked is what is used. */
#include "origin.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loopback.h"
#include "redact.h"
#include "secret.h"

__attribute__((format(printf, 2, 3))) static int refuse(char *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err, ERROR_SIZE, format, args);
    va_end(args);
    return -1;
}

static bool has_suffix(const char *text, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);
    return len >= n && strncmp(text + len - n, suffix, n) == 0;
}

/* What is left of the path once the parts that people add or leave out are gone. */
static size_t prefix_length(const char *path)
{
    size_t len = strlen(path);
    while (len > 0 && path[len - 1] == '/')
        len--;
    if (has_suffix(path, len, "/public/v1"))
        len -= strlen("/public/v1");
    else if (has_suffix(path, len, "/public"))
        len -= strlen("/public");
    while (len > 0 && path[len - 1] == '/')
        len--;
    return len;
}

static int check_parts(CURLU *url, char *err)
{
    static const struct {
        CURLUPart part;
        const char *why;
    } refused[] = {
        {CURLUPART_USER, "a user name; the credential goes into MPT_API_TOKEN"},
        {CURLUPART_PASSWORD, "a password; the credential goes into MPT_API_TOKEN"},
        {CURLUPART_QUERY, "a query; give only scheme, host and path"},
        {CURLUPART_FRAGMENT, "a fragment; give only scheme, host and path"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char *value = NULL;
        if (curl_url_get(url, refused[i].part, &value, 0) == CURLUE_OK) {
            curl_free(value);
            /* The text is not quoted: it may hold a password. */
            return refuse(err, "the base URL must not have %s", refused[i].why);
        }
    }
    return 0;
}

/* libcurl decodes a host each time: does it find this one when it comes to use the URL? What was checked must be what is used.
 */
static bool names_again(const char *url, const char *host)
{
    CURLU *parsed = curl_url();
    char *found = NULL;
    bool same = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_HOST, &found, 0) == CURLUE_OK && strcmp(found, host) == 0;
    curl_free(found);
    curl_url_cleanup(parsed);
    return same;
}

static int fill(struct origin *origin, const char *scheme, const char *host, const char *port, const char *path, char *err)
{
    origin->loopback = loopback_is_host(host);
    bool https = strcmp(scheme, "https") == 0;
    if (!https && strcmp(scheme, "http") != 0)
        return refuse(err, "the base URL starts with %s://; it must be https://", scheme);
    if (!https && !origin->loopback)
        return refuse(err,
                      "refusing http://%s: the credential would travel unencrypted; use https:// "
                      "(plain http is only for a loopback address, such as the emulator's)",
                      host);
    int n = snprintf(origin->host, sizeof origin->host, "%s%s%s", host, port ? ":" : "", port ? port : "");
    int m = snprintf(origin->url, sizeof origin->url, "%s://%s%.*s", scheme, origin->host, (int)prefix_length(path), path);
    if (n < 0 || m < 0 || (size_t)n >= sizeof origin->host || (size_t)m >= sizeof origin->url)
        return refuse(err, "the base URL is too long (more than %zu bytes)", sizeof origin->url - 1);
    if (!names_again(origin->url, host))
        return refuse(err, "the base URL has escapes in its host; write the host as it is");
    return 0;
}

int origin_parse(struct origin *origin, const char *text, char *err)
{
    memset(origin, 0, sizeof *origin);
    CURLU *url = curl_url();
    if (!url)
        return refuse(err, "out of memory");
    int status = -1;
    char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL;
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK)
        refuse(err, "the base URL cannot be understood (%s); expected something like https://api.platform.softwareone.com",
               curl_url_strerror(code));
    else if (check_parts(url, err) != 0)
        ;
    else if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
             curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK || *host == '\0' ||
             curl_url_get(url, CURLUPART_PATH, &path, 0) != CURLUE_OK)
        refuse(err, "the base URL has no host; expected something like https://api.platform.softwareone.com");
    else {
        curl_url_get(url, CURLUPART_PORT, &port, 0);
        status = fill(origin, scheme, host, port, path, err);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_url_cleanup(url);
    return status;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *value = NULL;
    bool has = curl_url_get(url, part, &value, 0) == CURLUE_OK;
    curl_free(value);
    return has;
}

static bool has_path(CURLU *url)
{
    char *path = NULL;
    bool has = curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK && strcmp(path, "/") != 0;
    curl_free(path);
    return has;
}

/* The password of a proxy is masked from now on, with and without its escapes. */
static bool learn_password(CURLU *url)
{
    static const unsigned flags[] = {0, CURLU_URLDECODE};
    bool learnt = true;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        char *password = NULL;
        if (curl_url_get(url, CURLUPART_PASSWORD, &password, flags[i]) == CURLUE_OK)
            learnt = redact_learn(password, strlen(password)) == 0 && learnt;
        curl_free(password);
    }
    return learnt;
}

/* A proxy is host and port. What looks like more is mostly a password with a / or # in it, whose rest is then no secret to
 * libcurl. */
static int check_proxy_text(const char *source, const char *text, char *err)
{
    CURLU *url = curl_url();
    if (!url)
        return refuse(err, "out of memory");
    bool good = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) == CURLUE_OK &&
                !has_path(url) && !has_part(url, CURLUPART_QUERY) && !has_part(url, CURLUPART_FRAGMENT);
    char *scheme = NULL;
    bool known = false;
    static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
    if (good && curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK)
        for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
            known = known || strcasecmp(scheme, schemes[i]) == 0;
    bool learnt = learn_password(url);
    curl_free(scheme);
    curl_url_cleanup(url);
    if (!learnt)
        return refuse(err, "out of memory");
    if (known)
        return 0;
    return refuse(err,
                  "%s cannot be used; expected http://HOST:PORT, https:// or socks5h://. "
                  "In a user name or password write / as %%2F, # as %%23, ? as %%3F and @ as %%40",
                  source);
}

int origin_check_proxy(const struct origin *origin, const char *proxy, char *err)
{
    static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}; /* in libcurl's order */
    if (origin->loopback)
        return 0;
    if (proxy)
        return *proxy ? check_proxy_text("the proxy", proxy, err) : 0;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return check_proxy_text(variables[i], value, err);
    }
    return 0;
}
