/*
 * bare: as many PUTs as asked for over libcurl's multi interface, and nothing else: no rows, no checks, no retries, no Lua.
 * What it reaches is the ceiling of a transport that is built on libcurl.
 *
 *   bare BASE_URL REQUESTS CONNECTIONS
 *
 * Easy handles are reused, the headers are those that moonkey sends, and each reply is read to its end. Exits with 1 unless
 * every request got a 200 with a body.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS "/public/v1/accounts/api-tokens"

struct slot {
    CURL *easy;
    char url[256], body[256], reply[4096];
    size_t reply_len;
};

static const char *base;
static long started, wanted, wrong;

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct slot *s = arg;
    size_t len = size * count;
    if (len > sizeof s->reply - s->reply_len)
        return 0;
    memcpy(s->reply + s->reply_len, bytes, len);
    s->reply_len += len;
    return len;
}

static struct curl_slist *make_headers(void)
{
    static const char *const lines[] = {
        "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
        "Authorization: Bearer idt:TKN-9999-9999:madeupmadeupmadeupmadeupmadeupmadeup",
        "Accept: application/json",
        "Content-Type: application/json",
        "Expect:",
    };
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        list = curl_slist_append(list, lines[i]);
    return list;
}

static void set_up(struct slot *s, struct curl_slist *headers)
{
    s->easy = curl_easy_init();
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(s->easy, CURLOPT_USERAGENT, "moonkey/0.1.0");
    curl_easy_setopt(s->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, 60000L);
    curl_easy_setopt(s->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(s->easy, CURLOPT_CUSTOMREQUEST, "PUT");
}

/* Is there anything left to start? */
static int start(CURLM *multi, struct slot *s)
{
    if (started == wanted)
        return 0;
    long i = started++;
    s->reply_len = 0;
    snprintf(s->url, sizeof s->url, "%s" TOKENS "/TKN-%04ld-%04ld", base, i / 10000, i % 10000);
    snprintf(s->body, sizeof s->body,
             "{\"name\":\"CRM robot %ld\",\"description\":\"Keeps the CRM up to date\",\"modules\":[{\"id\":\"MOD-1756\"}]}",
             i);
    curl_easy_setopt(s->easy, CURLOPT_URL, s->url);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, s->body);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(s->body));
    return curl_multi_add_handle(multi, s->easy) == CURLM_OK;
}

static void judge(const struct slot *s, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200 || s->reply_len == 0)
        wrong++;
}

static void run(CURLM *multi)
{
    int running = 1, left;
    while (running) {
        curl_multi_perform(multi, &running);
        for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
            struct slot *s;
            CURLcode code = m->data.result;
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &s);
            judge(s, code);
            curl_multi_remove_handle(multi, s->easy);
            running += start(multi, s);
        }
        if (running)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: bare BASE_URL REQUESTS CONNECTIONS\n", stderr);
        return 2;
    }
    base = argv[1];
    wanted = atol(argv[2]);
    long connections = atol(argv[3]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections);
    struct curl_slist *headers = make_headers();
    struct slot *slots = calloc((size_t)connections, sizeof *slots);
    for (long i = 0; i < connections; i++) {
        set_up(&slots[i], headers);
        start(multi, &slots[i]);
    }
    run(multi);
    if (wrong)
        fprintf(stderr, "bare: %ld of %ld requests went wrong\n", wrong, wanted);
    for (long i = 0; i < connections; i++) {
        curl_multi_remove_handle(multi, slots[i].easy);
        curl_easy_cleanup(slots[i].easy);
    }
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    free(slots);
    curl_global_cleanup();
    return wrong || started != wanted;
}
