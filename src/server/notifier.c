#include "server/notifier.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/webhook.h"
#include "server/server.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    LOOK = 200,          /* ms between looks for something to tell */
    REST = 1000,         /* after a failure: a receiver in trouble is not pressed */
    START_AGAIN = 10000, /* before a notifier that cannot work ends and another is started */
    CONNECT_DEADLINE = 5000,
};

struct notifier {
    const struct settings *settings;
    struct fleet fleet;
    struct buf secret;
    CURLM *multi;
    CURL *easy; /* used again and again, so that the connection is, too */
    char problem[CURL_ERROR_SIZE];
    int signals; /* signalfd; SIGTERM stays in it, so that everybody sees it */
};

/* True once the process is told to stop; waits for that at most `milliseconds`. */
static bool stops_within(const struct notifier *notifier, int milliseconds)
{
    struct pollfd wait_for = {notifier->signals, POLLIN, 0};
    return poll(&wait_for, 1, milliseconds) > 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t ignore_reply(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

/* What is the same for every call. Redirects are not followed: the signature is for one receiver. */
static void prepare(struct notifier *notifier)
{
    CURL *easy = notifier->easy;
    curl_easy_setopt(easy, CURLOPT_URL, notifier->settings->webhook_url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* the end does not wait for a name server */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_DEADLINE);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)WEBHOOK_DEADLINE);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "Sealwright");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, notifier->problem);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_reply);
    if (notifier->settings->webhook_ca_file) {
        /* Those alone: libcurl would trust the system's folder beside them. */
        curl_easy_setopt(easy, CURLOPT_CAINFO, notifier->settings->webhook_ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
}

static int open_notifier(struct notifier *notifier, struct error *error)
{
    AUTO_FREE char *store = settings_path(notifier->settings, SERVER_STORE_FILE);
    static const struct seal none = {{0}}; /* nothing sealed is read here, so the key is not given */
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signal(SIGPIPE, SIG_IGN);
    notifier->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (notifier->signals < 0)
        return error_set_system(error, errno, "cannot receive signals");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(notifier->multi = curl_multi_init()) ||
        !(notifier->easy = curl_easy_init()))
        return error_set(error, ERROR_INTERNAL, "libcurl cannot be used");
    prepare(notifier);
    int result = webhook_load_secret(notifier->settings->webhook_secret_file, &notifier->secret, error);
    notifier->fleet = (struct fleet){.settings = notifier->settings};
    snprintf(notifier->fleet.owner, sizeof notifier->fleet.owner, "notifier-%d", (int)getpid());
    return result ? result : store_open(store, &none, &notifier->fleet.store, error);
}

static void close_notifier(struct notifier *notifier)
{
    curl_easy_cleanup(notifier->easy);
    curl_multi_cleanup(notifier->multi);
    store_close(notifier->fleet.store);
    buf_wipe(&notifier->secret);
}

enum outcome { DELIVERED, FAILED, STOPPED };

/* What a call that ended means: only 2xx takes the event off our hands. */
static enum outcome judge(const struct notifier *notifier, CURLcode code, struct error *failure)
{
    long status = 0;
    if (code != CURLE_OK) {
        error_set(failure, ERROR_IO, "the receiver was not reached: %s",
                  notifier->problem[0] ? notifier->problem : curl_easy_strerror(code));
        return FAILED;
    }
    curl_easy_getinfo(notifier->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status / 100 == 2)
        return DELIVERED;
    error_set(failure, ERROR_IO, "the receiver answered %ld", status);
    return FAILED;
}

/* Carries the prepared call to its end, unless the process is told to stop before. */
static enum outcome call(struct notifier *notifier, struct error *failure)
{
    int running = 1, left = 0;
    bool stopped = false;
    notifier->problem[0] = 0;
    curl_multi_add_handle(notifier->multi, notifier->easy);
    while (!stopped && curl_multi_perform(notifier->multi, &running) == CURLM_OK && running) {
        struct curl_waitfd signals = {.fd = notifier->signals, .events = CURL_WAIT_POLLIN};
        curl_multi_poll(notifier->multi, &signals, 1, 1000, NULL);
        stopped = signals.revents != 0;
    }
    const CURLMsg *message = curl_multi_info_read(notifier->multi, &left);
    CURLcode code = message ? message->data.result : CURLE_RECV_ERROR;
    curl_multi_remove_handle(notifier->multi, notifier->easy);
    return stopped ? STOPPED : judge(notifier, code, failure);
}

static enum outcome tell(struct notifier *notifier, const struct event_row *event, struct error *failure)
{
    AUTO_BUF struct buf body = {0}, signature = {0};
    webhook_body(notifier->settings, event, &body);
    webhook_sign(slice_buf(&notifier->secret), clock_now(), slice_buf(&body), &signature);
    AUTO_FREE char *code = mem_format("X-Sealwright-Event: %s", event->code);
    AUTO_FREE char *sign = mem_format("X-Sealwright-Signature: %s", buf_text(&signature));
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    headers = curl_slist_append(headers, code);
    headers = curl_slist_append(headers, sign);
    curl_easy_setopt(notifier->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(notifier->easy, CURLOPT_POSTFIELDS, buf_text(&body));
    enum outcome outcome = call(notifier, failure);
    curl_slist_free_all(headers);
    return outcome;
}

/* Tells one event, when there is one to tell. Answers for how long to rest then, in ms. */
static int step(struct notifier *notifier)
{
    struct work_row work;
    struct event_row event;
    struct error error = {0}, failure = {0};
    struct fleet *fleet = &notifier->fleet;
    int rest = LOOK;
    int result = webhook_claim(fleet, &work, &event, &error);
    if (!result)
        switch (tell(notifier, &event, &failure)) {
        case DELIVERED:
            result = store_work_done(fleet->store, &work, fleet->owner, &error);
            rest = 0;
            break;
        case FAILED:
            result = webhook_failed(fleet, &work, &event, failure.text, &error);
            rest = REST;
            break;
        case STOPPED: /* for the next notifier, at once */
            result = store_work_wait(fleet->store, &work, fleet->owner, clock_now(), &error);
            break;
        }
    if (result && result != ERROR_NOT_FOUND)
        log_error("action=webhook reason=\"%s\"", error.text);
    return rest;
}

int notifier_run(const struct settings *settings)
{
    struct notifier notifier = {.settings = settings, .signals = -1};
    struct error error = {0};
    int result = open_notifier(&notifier, &error);
    if (result) {
        log_error("action=start reason=\"%s\"", error.text);
        stops_within(&notifier, START_AGAIN);
    } else {
        log_info("action=started");
        for (int rest = 0; !stops_within(&notifier, rest);)
            rest = step(&notifier);
    }
    close_notifier(&notifier);
    return result ? 1 : 0;
}
