/* start: what any program pays for that is built on libcurl, before it does anything. */
#include <curl/curl.h>

int main(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    curl_easy_cleanup(curl_easy_init());
    curl_global_cleanup();
    return 0;
}
