/* outcome: see outcome.h. */
#include "outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "redact.h"
#include "retry.h"

/* Names and words of the server are in it: masked first and cut second, since half a secret would not be known for one. */
__attribute__((format(printf, 2, 3))) static void say(struct result *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return; /* without memory there are no words */
    struct buf clean;
    buf_init(&clean, sizeof r->message - 1);
    redact_append(&clean, text, (size_t)len);
    snprintf(r->message, sizeof r->message, "%s", buf_text(&clean));
    buf_wipe(&clean);
    free(text);
}

static enum failure classify(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return FAILURE_NONE;
    case CURLE_OPERATION_TIMEDOUT:
        return FAILURE_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return FAILURE_CERTIFICATE;
    case CURLE_BAD_CONTENT_ENCODING:
        return FAILURE_UNUSABLE;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
        return FAILURE_INTERNAL;
    default:
        return FAILURE_TRANSPORT;
    }
}

static const char *header(CURL *easy, const char *name)
{
    struct curl_header *h;
    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}

static bool says_json(const char *type)
{
    return type && (strncasecmp(type, "application/json", 16) == 0 || strncasecmp(type, "application/problem+json", 24) == 0 ||
                    strncasecmp(type, "text/json", 9) == 0);
}

/* Only the origin: the rest of the address may carry a token of its own. */
static void describe_redirect(struct result *r, CURL *easy)
{
    char *target = NULL, *scheme = NULL, *host = NULL, *port = NULL;
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &target);
    CURLU *url = target ? curl_url() : NULL;
    if (url && curl_url_set(url, CURLUPART_URL, target, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
        curl_url_get(url, CURLUPART_HOST, &host, 0);
        curl_url_get(url, CURLUPART_PORT, &port, 0);
    }
    if (scheme)
        say(r, "redirect to %s://%s%s%s not followed", scheme, host ? host : "", port ? ":" : "", port ? port : "");
    else
        say(r, "redirect to an unknown host not followed");
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
}

static void fill_reply(struct result *r, CURL *easy)
{
    char *type = NULL;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    r->is_json = says_json(type);
    if (r->status >= 300) {
        const char *after = header(easy, "Retry-After");
        r->retry_after_ms = after ? retry_after_ms(after, header(easy, "Date"), clock_wall_ms()) : -1;
    }
    if (r->status >= 300 && r->status < 400)
        describe_redirect(r, easy);
}

static void describe_failure(struct result *r, const struct outcome *o)
{
    if (o->not_used) {
        say(r, "%s", o->not_used);
        return;
    }
    if (r->failure == FAILURE_TRANSPORT && certificate_refusal(o->certificate, r->message, sizeof r->message)) {
        r->failure = FAILURE_CERTIFICATE;
        return;
    }
    const char *certificate = o->code == CURLE_PEER_FAILED_VERIFICATION ? certificate_text(o->certificate) : "", *hint = "";
    if (o->code == CURLE_SSL_CERTPROBLEM)
        hint = "; --cert and --key take PEM files that need no pass phrase";
    else if (r->failure == FAILURE_TRANSPORT && certificate_asked(o->certificate))
        hint = "; the server asked for a client certificate, which --cert and --key give";
    say(r, "%s%s%s%s", o->error[0] ? o->error : curl_easy_strerror(o->code), *certificate ? "; the certificate is of " : "",
        certificate, hint);
}

static void fail(struct result *r, enum failure failure, const char *message)
{
    r->failure = failure;
    say(r, "%s", message);
}

/* What libcurl's code does not tell, or tells wrongly. */
static void decide(struct result *r, const struct outcome *o)
{
    if (r->failure != FAILURE_NONE) /* a callback of ours knows better why it stopped */
        return;
    if (o->code == CURLE_UNSUPPORTED_PROTOCOL && r->sent)
        fail(r, FAILURE_TRANSPORT, "the reply is not HTTP");
    else if (o->code == CURLE_OUT_OF_MEMORY && r->sent) /* libcurl 7.88 says so too of a header line over 100 KB */
        fail(r, FAILURE_UNUSABLE, "a header of the reply is too large, or memory ran out");
    else if (o->code == CURLE_OK && !o->headers_whole && r->body.len == 0) /* libcurl 7.88 takes this for a reply */
        fail(r, FAILURE_TRANSPORT, "the reply was cut off within its headers");
    else
        r->failure = classify(o->code);
}

/* The head says what matters. Whether the body of an error came is no reason to ask again, or not to heed a 401. */
static bool is_error_without_body(const struct result *r, const struct outcome *o)
{
    return o->headers_whole && r->status >= 300 && r->failure != FAILURE_NONE && r->failure != FAILURE_INTERNAL;
}

void outcome_judge(struct result *r, const struct outcome *o)
{
    long request_bytes = 0;
    curl_easy_getinfo(o->easy, CURLINFO_RESPONSE_CODE, &r->status);
    curl_easy_getinfo(o->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    r->sent = o->connected && request_bytes > 0; /* what a proxy was sent to reach the server does not count */
    decide(r, o);
    if (r->failure != FAILURE_NONE && !r->message[0])
        describe_failure(r, o);
    if (r->failure != FAILURE_NONE)
        buf_wipe(&r->body);
    if (is_error_without_body(r, o))
        r->failure = FAILURE_NONE;
    if (r->failure == FAILURE_NONE)
        fill_reply(r, o->easy);
}
