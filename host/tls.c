/* tls: see tls.h. */
#include "tls.h"

#define SET(option, value) (well = curl_easy_setopt(easy, option, value) == CURLE_OK && well)

bool tls_set(CURL *easy, const char *ca_file, const char *cert_file, const char *key_file)
{
    bool well = true;
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L); /* libcurl 7.88 frees a name of it twice when it has no memory */
    if (ca_file) {                        /* in place of both of the system's */
        SET(CURLOPT_CAINFO, ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (cert_file)
        SET(CURLOPT_SSLCERT, cert_file);
    if (key_file)
        SET(CURLOPT_SSLKEY, key_file);
    SET(CURLOPT_KEYPASSWD, ""); /* rather fail than have OpenSSL ask for it on the terminal */
    return well;
}
