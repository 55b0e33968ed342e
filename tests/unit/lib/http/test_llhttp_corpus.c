/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases that others collected (llhttp's test suite): what a strict parser there refuses must be
 * refused here. We are stricter in ways of our own (a Host is demanded, Upgrade data is not a
 * message), so the cases that llhttp accepts are only counted. Cases of its lenient modes are not
 * ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/fmt/json_doc.h"
#include "lib/fmt/text.h"
#include "lib/http/chunked.h"
#include "lib/http/h1_parse.h"
#include "lib/io/file.h"

/*
 * Accepted here although llhttp refuses: methods are tokens; which ones exist is the upstream's
 * business, and the facade's routes name those that they take.
 */
static const char *const laxer[] = {"HTTP protocol and ANNOUNCE method", NULL};

/* The files are Markdown: a line end stands for CR LF, escapes for the byte they name. */
static void unescape(struct fx_str raw, struct fx_buf *out)
{
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i], next = i + 1 < raw.len ? raw.ptr[i + 1] : '\0';
        uint64_t byte;
        if (c == '\\' && next == '\n') {
            i++;
        } else if (c == '\n') {
            fx_buf_add(out, FX_STR("\r\n"));
        } else if (c == '\\' && next == 'x' &&
                   fx_parse_hex_u64(fx_str_sub(raw, i + 2, 2), 255, &byte)) {
            fx_buf_add_char(out, (char)byte);
            i += 3;
        } else if (c == '\\' && next != '\0' && strchr("rntf", next) != NULL) {
            fx_buf_add_char(out, next == 'r'   ? '\r'
                                 : next == 'n' ? '\n'
                                 : next == 't' ? '\t'
                                               : '\f');
            i++;
        } else {
            fx_buf_add_char(out, c);
        }
    }
}

/* CLOSED: bytes follow the last message of the
 * connection (or a tunnel begins); nobody reads them. */
enum outcome { ACCEPTED, REFUSED, UNFINISHED, CLOSED };

static enum outcome read_chunked(struct fx_str *bytes)
{
    struct fx_chunked chunked = {0};
    for (;;) {
        struct fx_str data;
        size_t used;
        enum fx_chunked_result result = fx_chunked_next(&chunked, *bytes, &used, &data);
        *bytes = fx_str_sub(*bytes, used, bytes->len);
        if (result == FX_CHUNKED_DONE)
            return ACCEPTED;
        if (result == FX_CHUNKED_BAD)
            return REFUSED;
        if (result == FX_CHUNKED_MORE)
            return UNFINISHED;
    }
}

/* All messages of the text, as a connection would read them. */
static enum outcome read_all(struct fx_str bytes, bool is_request)
{
    struct fx_h1_limits limits = FX_H1_LIMITS;
    while (bytes.len > 0) {
        struct fx_head head;
        struct fx_h1_scan scan = {0};
        struct fx_h1_problem problem;
        size_t used = 0;
        enum fx_h1_result result =
            is_request ? fx_h1_parse_request(bytes, &scan, &limits, &head, &used, &problem)
                       : fx_h1_parse_response(bytes, FX_STR("GET"), &scan, &limits, &head, &used,
                                              &problem);
        if (result != FX_H1_DONE)
            return result == FX_H1_BAD ? REFUSED : UNFINISHED;
        bytes = fx_str_sub(bytes, used, bytes.len);
        enum outcome outcome = ACCEPTED;
        if (head.framing == FX_FRAME_CHUNKED)
            outcome = read_chunked(&bytes);
        else if (head.framing == FX_FRAME_LENGTH && bytes.len < head.content_length)
            outcome = UNFINISHED;
        else if (head.framing == FX_FRAME_LENGTH)
            bytes = fx_str_sub(bytes, (size_t)head.content_length, bytes.len);
        if (outcome != ACCEPTED)
            return outcome;
        if (!head.is_keep_alive || head.is_upgrade)
            return bytes.len > 0 ? CLOSED : ACCEPTED;
    }
    return ACCEPTED;
}

static bool is_laxer(const char *name)
{
    for (size_t i = 0; laxer[i] != NULL; i++)
        if (strcmp(laxer[i], name) == 0)
            return true;
    return false;
}

static void test_corpus__what_llhttp_refuses_is_refused(void **state)
{
    (void)state;
    const char *root = getenv("FICUS_CORPORA");
    FX_AUTO(fx_buf) struct fx_buf path = FX_BUF(4096), text = FX_BUF(1 << 20);
    fx_buf_printf(&path, "%s/http1/llhttp-cases.json", root != NULL ? root : "../shared/corpora");
    struct fx_err err = FX_ERR_INIT;
    struct fx_json_doc *doc = NULL;
    if (!fx_file_exists(fx_buf_cstr(&path))) {
        fx_buf_done(&path); /* skip() jumps over the end of the scope */
        skip();
    }
    assert_true(fx_file_read(fx_buf_cstr(&path), 1 << 20, &text, &err));
    assert_true(fx_json_parse(fx_buf_str(&text), &doc, &err));
    size_t n_errors = 0, n_failed = 0, n_good = 0, n_accepted = 0;
    for (size_t i = 0; i < fx_json_len(fx_json_root(doc)); i++) {
        const struct fx_json *item = fx_json_at(fx_json_root(doc), i);
        const char *type = fx_json_get_str(fx_json_get(item, "meta"), "type", "");
        const char *name = fx_json_get_str(item, "name", "");
        bool is_request = strcmp(type, "request") == 0;
        if (!is_request && strcmp(type, "response") != 0)
            continue;
        FX_AUTO(fx_buf) struct fx_buf raw = FX_BUF(1 << 20);
        unescape(fx_str_from(fx_json_get_str(item, "raw", "")), &raw);
        enum outcome outcome = read_all(fx_buf_str(&raw), is_request);
        if (outcome == UNFINISHED) { /* the case stops where llhttp has seen enough */
            fx_buf_add(&raw, FX_STR("\r\n\r\n"));
            outcome = read_all(fx_buf_str(&raw), is_request);
        }
        if (fx_json_kind(fx_json_get(item, "error")) == FX_JSON_NULL) {
            n_good++;
            n_accepted += outcome != REFUSED;
            continue;
        }
        struct fx_str reason = {0};
        (void)fx_json_str(fx_json_at(fx_json_get(item, "error"), 1), &reason);
        if (memmem(reason.ptr, reason.len, "Pause on", 8) != NULL)
            continue; /* not an error: llhttp hands a tunnel over */
        n_errors++;
        if (outcome == REFUSED || outcome == CLOSED || is_laxer(name))
            continue;
        n_failed++;
        print_message("%s: %s \"%s\" (llhttp: %.*s)\n%s\n",
                      outcome == ACCEPTED ? "accepted" : "waits", fx_json_get_str(item, "file", ""),
                      name, FX_STR_FMT(reason), fx_buf_cstr(&raw));
    }
    print_message("llhttp: %zu errors, %zu not refused; %zu good, %zu accepted\n", n_errors,
                  n_failed, n_good, n_accepted);
    fx_json_doc_free(doc);
    assert_int_equal(n_failed, 0);
    assert_true(n_errors > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus__what_llhttp_refuses_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
