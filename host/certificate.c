/*
 * certificate: see certificate.h.
 *
 * A note belongs to an easy handle and to every SSL_CTX that was made for it, one a connection. libcurl keeps connections
 * longer than handles, and OpenSSL may report on them until they are closed, so whoever lets go of the note last frees it.
 */
#include "certificate.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "buf.h"
#include "redact.h"

struct certificate_note {
    unsigned owners;
    int alert;      /* that ended a handshake or a connection; -1 for none */
    bool asked;     /* the server wants a certificate of us, and there is none that suits it */
    char text[400]; /* see certificate_text() */
    int64_t expires;
    bool began;           /* a handshake */
    const char *protocol; /* OpenSSL's name, which lasts */
};

static int note_index = -1; /* of SSL_CTX's slot for the note */

void certificate_forget(struct certificate_note *note)
{
    if (note && --note->owners == 0)
        free(note);
}

/* ---- the server's certificate ---- */

/*
 * Names come from the server. They are masked before they are cut, and OpenSSL lets line ends through, which must not begin a
 * line of their own in a log.
 */
static void keep(struct certificate_note *note, BIO *bio)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);
    struct buf clean;
    buf_init(&clean, sizeof note->text - 1);
    redact_append(&clean, bytes, len > 0 ? (size_t)len : 0);
    snprintf(note->text, sizeof note->text, "%s", buf_text(&clean));
    buf_wipe(&clean);
    for (char *p = note->text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
}

static void print_names(BIO *bio, X509 *cert)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int count = names ? sk_GENERAL_NAME_num(names) : 0;
    for (int i = 0; i < count && i < 4; i++) {
        BIO_printf(bio, "%s", i ? ", " : ", for ");
        GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i));
    }
    if (count > 4)
        BIO_printf(bio, " and %d more", count - 4);
    GENERAL_NAMES_free(names);
}

static int64_t end_of(const X509 *cert)
{
    struct tm t;
    return ASN1_TIME_to_tm(X509_get0_notAfter(cert), &t) == 1 ? timegm(&t) : 0;
}

static void describe(struct certificate_note *note, X509 *cert, bool unknown)
{
    note->expires = end_of(cert);
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio)
        return;
    X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_ONELINE);
    BIO_printf(bio, ", issued by ");
    X509_NAME_print_ex(bio, X509_get_issuer_name(cert), 0, XN_FLAG_ONELINE);
    BIO_printf(bio, ", valid from ");
    ASN1_TIME_print_ex(bio, X509_get0_notBefore(cert), ASN1_DTFLGS_ISO8601);
    BIO_printf(bio, " to ");
    ASN1_TIME_print_ex(bio, X509_get0_notAfter(cert), ASN1_DTFLGS_ISO8601);
    print_names(bio, cert);
    if (unknown)
        BIO_printf(bio, "; whom you trust is said with --cacert");
    keep(note, bio);
    BIO_free(bio);
}

const char *certificate_text(const struct certificate_note *note)
{
    return note->text;
}

int64_t certificate_expires(const struct certificate_note *note)
{
    return note->expires;
}

bool certificate_handshake_began(const struct certificate_note *note)
{
    return note->began;
}

const char *certificate_protocol(const struct certificate_note *note)
{
    return note->protocol;
}

/* ---- what the server says ---- */

/* About the certificate that it got of us, or did not get. */
static bool concerns_ours(int alert)
{
    switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

bool certificate_refusal(const struct certificate_note *note, char *text, size_t size)
{
    const char *alert = SSL_alert_desc_string_long(note->alert);
    bool failed = note->alert == SSL_AD_HANDSHAKE_FAILURE;
    if (note->asked && (failed || concerns_ours(note->alert)))
        snprintf(text, size, "the server demands a client certificate: give it one with --cert and --key");
    else if (concerns_ours(note->alert))
        snprintf(text, size, "the server does not accept the client certificate of --cert: %s", alert);
    else if (note->alert == SSL_AD_PROTOCOL_VERSION)
        snprintf(text, size, "the server speaks no version of TLS that is safe: it takes 1.2 or later");
    else if (failed || note->alert == SSL_AD_INSUFFICIENT_SECURITY)
        snprintf(text, size, "the server offers no encryption that is safe: %s", alert);
    else
        return false;
    return true;
}

bool certificate_asked(const struct certificate_note *note)
{
    return note->asked;
}

/* ---- OpenSSL's callbacks ---- */

static struct certificate_note *note_of(const SSL *ssl)
{
    return ssl ? SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), note_index) : NULL;
}

/* Is it that nobody whom we know has signed it? */
static bool is_unknown(int error)
{
    return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
           error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

/* Called for each problem, and for each certificate that is in order; the server's own comes last. */
static int on_verify(int accepted, X509_STORE_CTX *store)
{
    struct certificate_note *note = note_of(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    if (note && cert && (!accepted || X509_STORE_CTX_get_error_depth(store) == 0))
        describe(note, cert, !accepted && is_unknown(X509_STORE_CTX_get_error(store)));
    return accepted;
}

/* Of the alerts that we send ourselves, only this one says something about the server. */
static void on_event(const SSL *ssl, int where, int value)
{
    struct certificate_note *note = note_of(ssl);
    int level = value >> 8, alert = value & 0xff;
    if (note && where & SSL_CB_HANDSHAKE_START)
        note->began = true;
    if (note && where & SSL_CB_HANDSHAKE_DONE)
        note->protocol = SSL_get_version(ssl);
    if (!note || !(where & SSL_CB_ALERT) || level != SSL3_AL_FATAL)
        return;
    if (where & SSL_CB_READ || alert == SSL_AD_PROTOCOL_VERSION)
        note->alert = alert;
}

static int on_asked(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
    (void)cert, (void)key;
    struct certificate_note *note = note_of(ssl);
    if (note)
        note->asked = true;
    return 0; /* there is none */
}

/* An SSL_CTX is gone. */
static void let_go(void *context, void *note, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)context, (void)data, (void)index, (void)argl, (void)argp;
    certificate_forget(note);
}

static CURLcode on_context(CURL *easy, void *context, void *arg)
{
    (void)easy;
    struct certificate_note *note = arg;
    if (note_index < 0)
        note_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, let_go);
    if (note_index < 0 || !SSL_CTX_set_ex_data(context, note_index, note))
        return CURLE_OK; /* messages will say less */
    note->owners++;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
    SSL_CTX_set_info_callback(context, on_event);
    SSL_CTX_set_client_cert_cb(context, on_asked);
    return CURLE_OK;
}

struct certificate_note *certificate_watch(CURL *easy)
{
    struct certificate_note *note = calloc(1, sizeof *note);
    if (!note)
        return NULL;
    note->owners = 1;
    certificate_begin(note);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context); /* fails where libcurl has another TLS library */
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, note);
    return note;
}

void certificate_begin(struct certificate_note *note)
{
    note->alert = -1;
    note->asked = false;
    note->text[0] = '\0';
    note->expires = 0;
    note->began = false;
    note->protocol = NULL;
}
