/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl with everything switched off that a tool talking to its own daemons must not do by
 * itself: redirects, proxies from the environment, cookies, other protocols, signals.
 */
#include "lib/http/client.h"

#include <pthread.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "lib/base/alloc.h"
#include "lib/io/private.h"

enum { REPLY_MAX_BYTES = 16 << 20 };

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void global_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct fx_buf *body = arg;
    fx_buf_add_bytes(body, bytes, size * n);
    return body->has_failed ? 0 : size * n;
}

/* Over a Unix socket: who listens there is asked before the first byte is sent. */
struct unix_call {
    const char *path;
    int fd;
    int stranger; /* uid of a peer that is not ours; -1: none was met */
};

static curl_socket_t open_unix(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct unix_call *call = arg;
    (void)purpose;
    call->fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    return call->fd; /* libcurl closes it */
}

static int check_peer(void *arg, char *peer_ip, char *our_ip, int peer_port, int our_port)
{
    struct unix_call *call = arg;
    int uid = 0;
    (void)peer_ip;
    (void)our_ip;
    (void)peer_port;
    (void)our_port;
    if (fx_peer_is_ours(call->fd, &uid))
        return CURL_PREREQFUNC_OK;
    call->stranger = uid;
    return CURL_PREREQFUNC_ABORT;
}

static void set_unix(CURL *curl, struct unix_call *call)
{
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, call->path);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_unix);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, check_peer);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, call);
}

static void set_request(CURL *curl, const struct fx_http_request *request)
{
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    if (request->body.len > 0 || strcmp(request->method, "POST") == 0 ||
        strcmp(request->method, "PUT") == 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.len > 0 ? request->body.ptr : "");
    }
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)request->timeout_ms);
}

static void set_rules(CURL *curl)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "ficus");
}

static struct curl_slist *make_fields(const struct fx_http_request *request)
{
    /* "Expect:" — no round trip for bodies that our own daemons always take. */
    struct curl_slist *fields = curl_slist_append(NULL, "Expect:");
    fields = curl_slist_append(fields, "Content-Type: application/json");
    if (request->bearer != NULL) {
        FX_AUTO_STR char *line = fx_asprintf("Authorization: Bearer %s", request->bearer);
        fields = curl_slist_append(fields, line);
    }
    return fields;
}

/* Did it fail before or while connecting, or by time? Then the same call may succeed later. */
static bool is_connect_failure(CURLcode code)
{
    return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
           code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING ||
           code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR;
}

bool fx_http_call(const struct fx_http_request *request, struct fx_http_reply *ret_reply,
                  struct fx_err *err)
{
    char reason[CURL_ERROR_SIZE] = "";
    long status = 0;
    pthread_once(&once, global_init);
    *ret_reply = (struct fx_http_reply){.body = FX_BUF(REPLY_MAX_BYTES)};
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return fx_fail(err, FX_E_FACADE,
                       "could not create an HTTP client: libcurl got no memory") ||
               fx_hint(err, "See: free -m; ulimit -v. Free some, then run the same command again.");
    struct curl_slist *fields = make_fields(request);
    set_rules(curl);
    set_request(curl, request);
    struct unix_call unix_call = {.path = request->unix_socket, .fd = -1, .stranger = -1};
    if (request->unix_socket != NULL)
        set_unix(curl, &unix_call);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &ret_reply->body);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(fields);
    curl_easy_cleanup(curl);
    if (code == CURLE_OK) {
        ret_reply->status = (int)status;
        return true;
    }
    fx_buf_done(&ret_reply->body);
    if (unix_call.stranger >= 0)
        return fx_fail(err, FX_E_FACADE,
                       "another user (uid %d) listens on socket \"%s\"; nothing was sent",
                       unix_call.stranger, unix_call.path) ||
               fx_hint(
                   err,
                   "Only the user of this command may listen there. Find that process (ss -xlp | "
                   "grep -F '%s') and stop it, then run the same command again.",
                   unix_call.path);
    return fx_fail(err, is_connect_failure(code) ? FX_E_FACADE_CONNECT : FX_E_FACADE,
                   "could not %s \"%s\"%s%s: %s", request->method, request->url,
                   request->unix_socket != NULL ? " on " : "",
                   request->unix_socket != NULL ? request->unix_socket : "",
                   reason[0] != '\0' ? reason : curl_easy_strerror(code));
}
