/* facts: see facts.h. */
#include "facts.h"

#include <stdio.h>

#include "clock.h"

/* Of the times, libcurl 7.88 tells that of the connection only after TLS. */
static enum step step_of(const struct facts *f, CURLcode code, bool connected, bool handshake, long status)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return STEP_RESOLVE;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
        return STEP_CONNECT;
    default:
        break;
    }
    if (connected)
        return status ? STEP_REPLY : STEP_REQUEST;
    if (handshake)
        return STEP_TLS;
    return f->resolved > 0 ? STEP_CONNECT : STEP_RESOLVE;
}

static double seconds(CURL *easy, CURLINFO what)
{
    curl_off_t us = 0;
    curl_easy_getinfo(easy, what, &us);
    return (double)us / 1e6;
}

/* The head of the reply came at about this time; the date has whole seconds, cut off: so it is half a second more on average.
 */
static void compare_clocks(struct facts *f, CURL *easy)
{
    struct curl_header *h;
    f->date = curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? curl_getdate(h->value, NULL) : -1;
    if (f->date >= 0)
        f->skew_ms = clock_wall_ms() - (f->date * 1000 + 500);
}

void facts_fill(struct facts *f, CURL *easy, CURLcode code, bool connected, const struct certificate_note *certificate)
{
    long status = 0;
    char *address = NULL;
    *f = (struct facts){
        .resolved = seconds(easy, CURLINFO_NAMELOOKUP_TIME_T),
        .connected = seconds(easy, CURLINFO_CONNECT_TIME_T),
        .secured = seconds(easy, CURLINFO_APPCONNECT_TIME_T),
        .replied = seconds(easy, CURLINFO_STARTTRANSFER_TIME_T),
        .expires = certificate_expires(certificate),
        .protocol = certificate_protocol(certificate),
    };
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &f->proxy_status);
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &f->port);
    snprintf(f->address, sizeof f->address, "%s", address ? address : "");
    snprintf(f->certificate, sizeof f->certificate, "%s", certificate_text(certificate));
    f->step = step_of(f, code, connected, certificate_handshake_began(certificate), status);
    compare_clocks(f, easy);
}
