/* headers: see headers.h. */
#include "headers.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer)
        *list = longer;
    return longer != NULL;
}

static struct curl_slist *make(const char *authorization, const char *content_type)
{
    /*
     * A name alone keeps libcurl from adding the header: it would call an empty body a form, and wait a second for a server's
     * answer to "Expect" before a body over 1 MiB.
     */
    const char *lines[] = {authorization, "Accept: application/json", content_type, "Expect:"};
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (!append(&list, lines[i])) {
            headers_free_list(list);
            return NULL;
        }
    }
    return list;
}

int headers_init(struct headers *headers, const struct secret *credential)
{
    char line[SECRET_MAX + 32];
    snprintf(line, sizeof line, "Authorization: Bearer %s", secret_value(credential));
    headers->plain = make(line, "Content-Type:");
    headers->json = make(line, "Content-Type: application/json");
    explicit_bzero(line, sizeof line);
    return headers->plain && headers->json ? 0 : -1;
}

void headers_free(struct headers *headers)
{
    headers_free_list(headers->plain);
    headers_free_list(headers->json);
}

void headers_free_list(struct curl_slist *lines)
{
    for (struct curl_slist *h = lines; h; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(lines);
}

static bool has_name_of(const struct curl_slist *lines, const char *line)
{
    size_t len = strcspn(line, ":") + 1;
    for (; lines; lines = lines->next)
        if (strncasecmp(lines->data, line, len) == 0)
            return true;
    return false;
}

struct curl_slist *headers_merge(const struct curl_slist *lines, const struct curl_slist *more)
{
    struct curl_slist *list = NULL;
    bool ok = true;
    for (const struct curl_slist *h = lines; ok && h; h = h->next)
        ok = has_name_of(more, h->data) || append(&list, h->data);
    for (const struct curl_slist *h = more; ok && h; h = h->next)
        ok = append(&list, h->data);
    if (ok)
        return list;
    headers_free_list(list);
    return NULL;
}
