/*
 * headers: the header lines of requests. They hold copies of the credential, so they are wiped, not just freed.
 *
 * libcurl copies header lines into each request; these lists are the only long-lived copies.
 */
#ifndef MOONKEY_HEADERS_H
#define MOONKEY_HEADERS_H

#include <curl/curl.h>

#include "secret.h"

struct headers {
    struct curl_slist *plain, *json; /* of requests without and with a body */
};

/* 0, or -1 when memory ran out. */
int headers_init(struct headers *headers, const struct secret *credential);
void headers_free(struct headers *headers);

/*
 * A copy of `lines` with `more` ("Name: value" each): a line of `more` takes the place of those with its name. NULL when memory
 * ran out; headers_free_list() frees it.
 */
struct curl_slist *headers_merge(const struct curl_slist *lines, const struct curl_slist *more);
void headers_free_list(struct curl_slist *lines);

#endif
