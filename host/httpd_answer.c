/* httpd: see httpd.h. Taking requests, and answering them: well, or badly on purpose. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "httpd_own.h"

/* For whoever took it to do something about it. */
static bool waits(const struct httpd_request *req)
{
    return req->phase == HTTPD_SUSPENDED && !req->held;
}

bool httpd_pending(const struct httpd *s)
{
    return s->pending;
}

struct httpd_request *httpd_take(struct httpd *s)
{
    struct httpd_request *req = s->pending;

    if (req) {
        req->taken = true;
        s->pending = req->next;
    }
    return req;
}

struct header_list {
    struct httpd_header *items;
    size_t count, max;
};

static enum MHD_Result add_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
                                  size_t value_len)
{
    struct header_list *list = arg;

    (void)kind;
    if (list->count == list->max)
        return MHD_NO;
    list->items[list->count++] = (struct httpd_header){name, value ? value : "", name_len, value ? value_len : 0};
    return MHD_YES;
}

size_t httpd_headers(const struct httpd_request *req, struct httpd_header *out, size_t max)
{
    struct header_list list = {out, 0, max};

    if (waits(req))
        MHD_get_connection_values_n(req->connection, MHD_HEADER_KIND, add_header, &list);
    return list.count;
}

/* Record the response, which is the request's from here on. */
static enum httpd_result respond(struct httpd_request *req, unsigned status, struct MHD_Response *response,
                                 const struct httpd_header *headers, size_t count)
{
    if (!response)
        return HTTPD_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (MHD_add_response_header(response, headers[i].name, headers[i].value) == MHD_NO) {
            MHD_destroy_response(response);
            return HTTPD_BAD_HEADER;
        }
    }
    req->status = status;
    req->response = response;
    httpd_resume(req);
    return HTTPD_OK;
}

enum httpd_result httpd_reply(struct httpd_request *req, unsigned status, const char *body, size_t len,
                              const struct httpd_header *headers, size_t count)
{
    if (!waits(req))
        return HTTPD_GONE;
    return respond(req, status, MHD_create_response_from_buffer(len, (void *)(size_t)body, MHD_RESPMEM_MUST_COPY), headers,
                   count);
}

/* ---- on purpose badly ---- */

struct part {
    size_t len;
    char bytes[];
};

static ssize_t read_part(void *arg, uint64_t position, char *out, size_t max)
{
    const struct part *part = arg;
    size_t left = part->len - (size_t)position;

    if (!left)
        return MHD_CONTENT_READER_END_WITH_ERROR; /* the daemon closes the connection */
    if (left > max)
        left = max;
    memcpy(out, part->bytes + position, left);
    return (ssize_t)left;
}

enum httpd_result httpd_reply_part(struct httpd_request *req, unsigned status, const char *body, size_t len, size_t sent,
                                   const struct httpd_header *headers, size_t count)
{
    struct MHD_Response *response;
    struct part *part;

    if (!waits(req))
        return HTTPD_GONE;
    sent = sent < len ? sent : len;
    part = malloc(sizeof *part + sent);
    if (!part)
        return HTTPD_NOMEM;
    part->len = sent;
    memcpy(part->bytes, body, sent);
    response = MHD_create_response_from_callback(len, sent ? sent : 1, read_part, part, free);
    if (!response)
        free(part);
    return respond(req, status, response, headers, count);
}

enum httpd_result httpd_reset(struct httpd_request *req)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

    if (!waits(req))
        return HTTPD_GONE;
    /* Not SO_LINGER: the daemon calls shutdown before it closes, and the client would see an orderly end first. */
    (void)connect(httpd_socket(req), &nobody, sizeof nobody);
    httpd_resume(req);
    return HTTPD_OK;
}

enum httpd_result httpd_hold(struct httpd_request *req)
{
    if (!waits(req))
        return HTTPD_GONE;
    req->held = true;
    httpd_watch_held(req->server);
    return HTTPD_OK;
}

void httpd_release(struct httpd_request *req)
{
    if (waits(req))
        httpd_resume(req);
    req->taken = false;
    if (!req->in_daemon)
        httpd_free_request(req);
}
