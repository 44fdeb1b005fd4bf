/* certificate: see certificate.h. */
#include "certificate.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static int note_index = -1; /* of SSL_CTX's slot for the note */

/* BIO → the end of `text`. Names come from the server: OpenSSL has escaped what cannot be printed. */
static void append(struct certificate_note *note, BIO *bio)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);
    snprintf(note->text, sizeof note->text, "%.*s", (int)len, bytes);
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

static void describe(struct certificate_note *note, X509 *cert)
{
    enum { STYLE = XN_FLAG_ONELINE & ~ASN1_STRFLGS_SHOW_TYPE };
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio)
        return;
    X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, STYLE);
    BIO_printf(bio, ", issued by ");
    X509_NAME_print_ex(bio, X509_get_issuer_name(cert), 0, STYLE);
    BIO_printf(bio, ", valid from ");
    ASN1_TIME_print_ex(bio, X509_get0_notBefore(cert), ASN1_DTFLGS_ISO8601);
    BIO_printf(bio, " to ");
    ASN1_TIME_print_ex(bio, X509_get0_notAfter(cert), ASN1_DTFLGS_ISO8601);
    print_names(bio, cert);
    append(note, bio);
    BIO_free(bio);
}

/* Called for each problem, and for each certificate that is in order; the server's own comes last. */
static int on_verify(int accepted, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct certificate_note *note = ssl ? SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), note_index) : NULL;
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    if (note && cert && (!accepted || X509_STORE_CTX_get_error_depth(store) == 0))
        describe(note, cert);
    return accepted;
}

static CURLcode on_context(CURL *easy, void *context, void *arg)
{
    (void)easy;
    if (note_index < 0)
        note_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    if (note_index < 0 || !SSL_CTX_set_ex_data(context, note_index, arg))
        return CURLE_OK; /* the message will say less */
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
    return CURLE_OK;
}

void certificate_watch(CURL *easy, struct certificate_note *note)
{
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context); /* fails where libcurl has another TLS library */
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, note);
}
