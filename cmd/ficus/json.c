/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ficus/json.h"

#include "lib/cli/print.h"

enum { JSON_MAX = 64 << 20 };

void cmd_json_begin(struct cmd_json *json)
{
    json->out = FX_BUF(JSON_MAX);
    fx_json_w_init(&json->w, &json->out);
    fx_json_w_object(&json->w);
}

void cmd_json_print(struct cmd_json *json)
{
    fx_json_w_end(&json->w);
    fx_buf_add_char(&json->out, '\n');
    fx_print_text(fx_buf_str(&json->out));
    fx_buf_done(&json->out);
}

void cmd_json_known(struct cmd_json *json, const char *key, int64_t value)
{
    fx_json_w_key(&json->w, key);
    if (value < 0)
        fx_json_w_null(&json->w);
    else
        fx_json_w_i64(&json->w, value);
}

void cmd_json_findings(struct cmd_json *json, const struct fx_findings *f)
{
    fx_json_w_kv_bool(&json->w, "passed", f->n == 0);
    fx_json_w_kv_u64(&json->w, "count", f->n);
    fx_json_w_key(&json->w, "groups");
    fx_findings_json(f, &json->w);
}
