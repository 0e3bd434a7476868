// libcurl's calls with a variable argument, one function for each type of it: Swift cannot call the originals.
#include <curl/curl.h>

static inline CURLcode rung_curl_set_number(CURL *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode rung_curl_set_size(CURL *easy, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(easy, option, value);
}

// The text is copied by libcurl.
static inline CURLcode rung_curl_set_text(CURL *easy, CURLoption option, const char *value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode rung_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
  return curl_easy_setopt(easy, option, value);
}

typedef size_t (*rung_curl_mover)(char *bytes, size_t size, size_t count, void *context);
typedef int (*rung_curl_seeker)(void *context, curl_off_t offset, int origin);

// What comes, and what is to be sent.
static inline void rung_curl_set_movers(
    CURL *easy, rung_curl_mover write, rung_curl_mover read, rung_curl_seeker seek, void *context) {
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, read);
  curl_easy_setopt(easy, CURLOPT_READDATA, context);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, context);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, context);
}

static inline void *rung_curl_context(CURL *easy) {
  void *context = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context);
  return context;
}

static inline long rung_curl_status(CURL *easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

// The reasons of OpenSSL for not believing a certificate (X509_V_ERR_…); 0 when it is believed.
static inline long rung_curl_distrust(CURL *easy) {
  long result = 0;
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
  return result;
}

static inline void rung_curl_set_connections(CURLM *multi, long most) {
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, most);
}

// The next transfer that is over; NULL when there is none.
static inline CURL *rung_curl_next_over(CURLM *multi, CURLcode *result) {
  int left = 0;
  CURLMsg *message;
  while ((message = curl_multi_info_read(multi, &left))) {
    if (message->msg != CURLMSG_DONE) continue;
    *result = message->data.result;
    return message->easy_handle;
  }
  return NULL;
}

static const size_t RUNG_CURL_WRITE_PAUSE = CURL_WRITEFUNC_PAUSE;
static const size_t RUNG_CURL_READ_PAUSE = CURL_READFUNC_PAUSE;
static const size_t RUNG_CURL_READ_ABORT = CURL_READFUNC_ABORT;
