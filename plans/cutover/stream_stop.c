/* SPDX-License-Identifier: Apache-2.0 */
/* The error object that a stream leaves is JSON; people get its message, the executor its code. */
#include "plans/cutover/stream_stop.h"

#include "lib/fmt/json_doc.h"
#include "lib/fmt/text.h"

enum fx_code pln_stream_stop_read(const struct cdc_status *status, char *message, size_t size)
{
    enum fx_code code = FX_E_STREAM;
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    struct fx_err ignored = FX_ERR_INIT;
    const char *text = status->error;
    if (fx_json_parse(fx_str_from(status->error), &doc, &ignored)) {
        const struct fx_json *root = fx_json_root(doc);
        text = fx_json_get_str(root, "message", status->error);
        (void)fx_code_from_name(fx_json_get_str(root, "code", ""), &code);
    }
    struct fx_str fit = fx_utf8_clip(fx_str_from(text), size - 1);
    (void)snprintf(message, size, "%.*s", FX_STR_FMT(fit));
    return code;
}

bool pln_stream_stop_fail(const struct cdc_ref *ref, const struct cdc_status *status,
                          struct fx_err *err)
{
    char name[128], message[sizeof err->message - 160];
    cdc_stream_name(ref, name, sizeof name);
    enum fx_code code = pln_stream_stop_read(status, message, sizeof message);
    fx_fail(err, code, "stream \"%s\" stopped: %s", name, message);
    return fx_hint(err,
                   "Fix the cause (full error: ficus cdc status --context %s), then run: ficus cdc "
                   "start --context %s --execute",
                   ref->context, ref->context);
}
